/**
 * A font of 5×7 dots, for labels that must not depend on fonts installed. A glyph is seven rows, top first, each a
 * base-32 digit whose bits are the dots, leftmost highest.
 */
const glyphs: Readonly<Record<string, string>> = {
  A: "ehhvhhh",
  B: "uhhuhhu",
  C: "ehggghe",
  D: "uhhhhhu",
  E: "vgguggv",
  F: "vgguggg",
  G: "ehgnhhf",
  H: "hhhvhhh",
  I: "e44444e",
  J: "72222ic",
  K: "hikokih",
  L: "ggggggv",
  M: "hrllhhh",
  N: "hhpljhh",
  O: "ehhhhhe",
  P: "uhhuggg",
  Q: "ehhhlid",
  R: "uhhukih",
  S: "fgge11u",
  T: "v444444",
  U: "hhhhhhe",
  V: "hhhhha4",
  W: "hhhllla",
  X: "hha4ahh",
  Y: "hhha444",
  Z: "v1248gv",
  0: "ehjlphe",
  1: "4c4444e",
  2: "eh1248v",
  3: "v2421he",
  4: "26aiv22",
  5: "vgu11he",
  6: "68guhhe",
  7: "v124888",
  8: "ehhehhe",
  9: "ehhf12c",
  " ": "0000000",
  ".": "00000cc",
  "-": "000v000",
  "%": "op248j3",
  "/": "01248g0",
  "#": "aavavaa",
  _: "000000v",
};

/** Shown for a character without a glyph. */
const unknownGlyph = "vhhhhhv";

export const glyphWidth = 5;
export const glyphHeight = 7;

/** Whether the character's glyph has a dot here; letters must be upper case. */
export function hasDot(character: string, column: number, row: number): boolean {
  const rows = glyphs[character.toUpperCase()] ?? unknownGlyph;
  return ((Number.parseInt(rows[row]!, 32) >> (glyphWidth - 1 - column)) & 1) === 1;
}
