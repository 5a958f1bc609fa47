/** A name as one level of a topic, without the characters that separate levels or act as wildcards. */
function topicLevel(name: string): string {
  return name.replace(/[/+#$\0]/g, "_");
}

/** The topics that Discovery uses for a camera. */
const discoveryTopic = /^[\w-]+\/(binary_sensor|image)\/sightline_camera_[\w-]+\/[\w-]+\/config$/;

/** Topics in the form of Frigate's MQTT API. */
export class Topics {
  readonly #prefix: string;

  constructor(prefix: string) {
    this.#prefix = prefix;
  }

  /** Whether the bridge is running: `online` or `offline`. */
  get available(): string {
    return `${this.#prefix}/available`;
  }

  get events(): string {
    return `${this.#prefix}/events`;
  }

  get allReviews(): string {
    return `${this.#prefix}/reviews`;
  }

  get stats(): string {
    return `${this.#prefix}/stats`;
  }

  /**
   * The list of topics that the broker retains for a camera, so that a bridge that starts knows what earlier ones have left
   * there.
   */
  record(camera: string): string {
    return `${this.#prefix}/sightline/${camera}`;
  }

  /** The camera whose record this topic is; undefined when it is not a record. */
  cameraOfRecord(topic: string): string | undefined {
    const start = this.record("");
    return topic.startsWith(start) ? topic.slice(start.length) : undefined;
  }

  /** The state of a camera's review items that the broker retains, so that a bridge that starts continues with them. */
  reviews(camera: string): string {
    return `${this.#prefix}/${camera}/sightline/reviews`;
  }

  /** The camera whose review items this topic retains; undefined when it retains none. */
  cameraOfReviews(topic: string): string | undefined {
    const [start, end] = this.reviews("\n").split("\n") as [string, string];
    return topic.startsWith(start) && topic.endsWith(end)
      ? topic.slice(start.length, -end.length)
      : undefined;
  }

  /** Severity of what happens at a camera: `NONE`, `DETECTION` or `ALERT`. */
  reviewStatus(camera: string): string {
    return `${this.#prefix}/${camera}/review_status`;
  }

  /** Whether a bridge may have created this topic for this camera. */
  isOf(camera: string, topic: string): boolean {
    const own = topic.startsWith(`${this.#prefix}/${camera}/`) && !/[+#\0]/.test(topic);
    return own || discoveryTopic.test(topic);
  }

  /** Number of objects of a class; `place` is a camera or a zone. */
  count(place: string, label: string): string {
    return `${this.#prefix}/${topicLevel(place)}/${topicLevel(label)}`;
  }

  /** Number of moving objects; Sightline does not distinguish them from objects that stand still. */
  active(place: string, label: string): string {
    return `${this.count(place, label)}/active`;
  }

  snapshot(camera: string, label: string): string {
    return `${this.count(camera, label)}/snapshot`;
  }

  /** Whether a camera sends frames: `online` or `offline`. */
  status(camera: string): string {
    return `${this.#prefix}/${camera}/status/detect`;
  }
}
