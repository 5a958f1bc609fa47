/** A name as one level of a topic: without what separates levels or stands for others. */
function topicLevel(name: string): string {
  return name.replace(/[/+#$\0]/g, "_");
}

/** Of what Discovery tells of a camera. */
const discoveryTopic = /^[\w-]+\/(binary_sensor|image)\/sightline_camera_[\w-]+\/[\w-]+\/config$/;

/** Topics in the form of Frigate's MQTT API. */
export class Topics {
  readonly #prefix: string;

  constructor(prefix: string) {
    this.#prefix = prefix;
  }

  /** Whether the bridge is there: `online` or `offline`. */
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

  /** The topics that the broker retains of a camera, so that a bridge that starts knows what others before it have left there. */
  record(camera: string): string {
    return `${this.#prefix}/sightline/${camera}`;
  }

  /** Which camera a topic is the record of; undefined when it is none. */
  cameraOfRecord(topic: string): string | undefined {
    const start = this.record("");
    return topic.startsWith(start) ? topic.slice(start.length) : undefined;
  }

  /** What the broker retains of a camera's review items, so that a bridge that starts goes on with them. */
  reviews(camera: string): string {
    return `${this.#prefix}/${camera}/sightline/reviews`;
  }

  /** Of which camera a topic retains the review items; undefined when it is none. */
  cameraOfReviews(topic: string): string | undefined {
    const [start, end] = this.reviews("\n").split("\n") as [string, string];
    return topic.startsWith(start) && topic.endsWith(end)
      ? topic.slice(start.length, -end.length)
      : undefined;
  }

  /** How severe what goes on at a camera is: `NONE`, `DETECTION` or `ALERT`. */
  reviewStatus(camera: string): string {
    return `${this.#prefix}/${camera}/review_status`;
  }

  /** Whether a topic can be one that a bridge has made for this camera. */
  isOf(camera: string, topic: string): boolean {
    const own = topic.startsWith(`${this.#prefix}/${camera}/`) && !/[+#\0]/.test(topic);
    return own || discoveryTopic.test(topic);
  }

  /** How many objects of a class there are; `place` is a camera or a zone. */
  count(place: string, label: string): string {
    return `${this.#prefix}/${topicLevel(place)}/${topicLevel(label)}`;
  }

  /** How many of them move; Sightline does not tell those that stand still from the others. */
  active(place: string, label: string): string {
    return `${this.count(place, label)}/active`;
  }

  snapshot(camera: string, label: string): string {
    return `${this.count(camera, label)}/snapshot`;
  }

  /** Whether a camera gives frames: `online` or `offline`. */
  status(camera: string): string {
    return `${this.#prefix}/${camera}/status/detect`;
  }
}
