const cameraId = /^[a-z0-9][a-z0-9-]{0,62}$/;

/** Whether `id` may name a camera: 1–63 characters of a–z, 0–9 and '-', starting with a letter or digit. */
export function isCameraId(id: string): boolean {
  return cameraId.test(id);
}

/**
 * Resource name of a camera: `front` → `cameras/front`.
 *
 * @example
 * ```ts
 * assert.equal(cameraName("front"), "cameras/front");
 * ```
 */
export function cameraName(id: string): string {
  return `cameras/${id}`;
}

/**
 * Id in a resource name: `cameras/front` → `front`; undefined when `name` is not a camera's resource name.
 *
 * @example
 * ```ts
 * assert.equal(cameraIdOf("cameras/front"), "front");
 * assert.equal(cameraIdOf("users/front"), undefined);
 * ```
 */
export function cameraIdOf(name: string): string | undefined {
  const id = name.startsWith("cameras/") ? name.slice("cameras/".length) : "";
  return isCameraId(id) ? id : undefined;
}

/** The ids in `cameras/{camera}/events/{event}`; undefined when the name has another form. */
export function parseEventName(name: string): { camera: string; id: string } | undefined {
  const match = /^(cameras\/[^/]+)\/events\/([A-Za-z0-9_-]{1,128})$/.exec(name);
  const camera = cameraIdOf(match?.[1] ?? "");
  return camera === undefined ? undefined : { camera, id: match![2]! };
}
