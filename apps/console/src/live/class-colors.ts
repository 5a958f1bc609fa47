/**
 * Colours that people with colour vision deficiencies tell apart (Okabe and Ito, "Color Universal Design", 2008),
 * without black, and with blue and vermilion made lighter for dark pictures.
 */
const palette = ["#56b4e9", "#f0e442", "#e69f00", "#3ad6a3", "#ff7f41", "#e59ac6", "#9fb8ff", "#e8e8e8"];

/** Classes that are seen often, each with a colour of its own. */
const common = ["person", "car", "bicycle", "dog", "truck", "bus", "motorcycle", "cat"];

/** The colour of a class, the same everywhere and at every visit. */
export function classColor(name: string): string {
  const known = common.indexOf(name);
  return palette[(known >= 0 ? known : hash(name)) % palette.length] as string;
}

function hash(text: string): number {
  let value = 0;
  for (let at = 0; at < text.length; at++) value = (value * 31 + text.charCodeAt(at)) >>> 0;
  return value;
}
