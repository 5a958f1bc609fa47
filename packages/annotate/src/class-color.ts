export type Color = readonly [red: number, green: number, blue: number];

/** A bright colour per class, 0..255; neighbours differ, because the golden angle spreads hues evenly. */
export function classColor(classId: number): Color {
  const hue = (60 + classId * 137.508) % 360;
  const channel = (offset: number) => {
    const k = (offset + hue / 30) % 12;
    return Math.round(255 * (0.6 - 0.4 * Math.max(-1, Math.min(k - 3, 9 - k, 1))));
  };
  return [channel(0), channel(8), channel(4)];
}
