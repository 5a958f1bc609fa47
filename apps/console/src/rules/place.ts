/** What of a shape its place is told by. */
interface NamedShape {
  key: string;
  kind: string;
  name: string;
}

/**
 * Where a rule looks, while it is edited: the key of a zone or line, so that it stays with the shape whatever that is
 * called meanwhile; `wholePicture`; a shape that is gone; or empty until something is chosen.
 */
export type Place = string;

/** Only ever chosen by people, or loaded: nothing else becomes the whole picture. */
export const wholePicture: Place = "picture";

const gonePrefix = "gone:";

/** A zone or line of this name that is there no more. */
export function gone(name: string): Place {
  return gonePrefix + name;
}

/** The name of a shape that is gone; undefined for any other place. */
export function goneName(place: Place): string | undefined {
  return place.startsWith(gonePrefix) ? place.slice(gonePrefix.length) : undefined;
}

/** The place that a rule names. */
export function placeNamed(shapes: readonly NamedShape[], kind: "zone" | "line", name: string): Place {
  return shapes.find((shape) => shape.kind === kind && shape.name === name)?.key ?? gone(name);
}

/** What a place is called now. */
export function placeName(shapes: readonly NamedShape[], place: Place): string {
  return shapes.find(({ key }) => key === place)?.name ?? goneName(place) ?? "";
}
