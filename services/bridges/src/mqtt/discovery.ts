import type { Count } from "./object-counts.ts";
import type { Topics } from "./topics.ts";

/** A retained message that announces an entity to Home Assistant. */
export interface DiscoveryMessage {
  topic: string;
  payload: string;
}

const origin = { name: "Sightline", sw_version: "0.1.0" };

/** Writes messages for Home Assistant's MQTT discovery (https://www.home-assistant.io/integrations/mqtt/#mqtt-discovery). */
export class Discovery {
  readonly #prefix: string;
  readonly #topics: Topics;

  constructor(prefix: string, topics: Topics) {
    this.#prefix = prefix;
    this.#topics = topics;
  }

  /** Whether a camera sends frames. */
  connectivity(camera: string): DiscoveryMessage {
    return this.#message("binary_sensor", "camera", camera, "connectivity", {
      name: "Connectivity",
      device_class: "connectivity",
      entity_category: "diagnostic",
      state_topic: this.#topics.status(camera),
      payload_on: "online",
      payload_off: "offline",
      availability_topic: this.#topics.available,
    });
  }

  /** Whether an object of a class is in a place. */
  occupancy({ kind, place, label }: Omit<Count, "count">): DiscoveryMessage {
    const topics = [this.#topics.available, ...(kind === "camera" ? [this.#topics.status(place)] : [])];
    return this.#message("binary_sensor", kind, place, `${label}_occupancy`, {
      name: `${capitalized(label)} occupancy`,
      device_class: "occupancy",
      state_topic: this.#topics.count(place, label),
      value_template: "{{ 'ON' if value | int(0) > 0 else 'OFF' }}",
      availability: topics.map((topic) => ({ topic })),
      availability_mode: "all",
    });
  }

  /** The best picture of the newest object of a class. */
  image(camera: string, label: string): DiscoveryMessage {
    return this.#message("image", "camera", camera, `${label}_snapshot`, {
      name: capitalized(label),
      image_topic: this.#topics.snapshot(camera, label),
      content_type: "image/jpeg",
      availability_topic: this.#topics.available,
    });
  }

  #message(
    component: "binary_sensor" | "image",
    kind: Count["kind"],
    place: string,
    entity: string,
    config: Record<string, unknown>,
  ): DiscoveryMessage {
    const device = `sightline_${kind}_${identifier(place)}`;
    const uniqueId = `${device}_${identifier(entity)}`;
    return {
      topic: `${this.#prefix}/${component}/${device}/${identifier(entity)}/config`,
      payload: JSON.stringify({
        ...config,
        unique_id: uniqueId,
        device: {
          identifiers: [device],
          name: kind === "zone" ? `Zone ${place}` : place,
          manufacturer: "Sightline",
          model: kind === "zone" ? "Zone" : "Camera",
        },
        origin,
      }),
    };
  }
}

/** Discovery's topics may contain only letters, digits, '_' and '-'. */
function identifier(name: string): string {
  return name.replace(/[^A-Za-z0-9_-]/gu, (character) =>
    character === " " ? "_" : `_${character.codePointAt(0)!.toString(16)}`,
  );
}

function capitalized(label: string): string {
  return label.charAt(0).toUpperCase() + label.slice(1);
}
