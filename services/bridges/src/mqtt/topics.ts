/** A name as one level of a topic: without what separates levels or stands for others. */
function topicLevel(name: string): string {
  return name.replace(/[/+#$\0]/g, "_");
}

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

  get stats(): string {
    return `${this.#prefix}/stats`;
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
