/** What a rule asks of attributes, as it is written in the form: "colour: red, blue; helmet: none". */

/** Values by attribute; undefined when the text cannot be read, or names one twice. */
export function attributesOf(text: string): Record<string, string[]> | undefined {
  const asked = new Map<string, string[]>();
  for (const part of text.split(";").map((each) => each.trim())) {
    if (part === "") continue;
    const [name = "", list = "", ...rest] = part.split(/[:=]/).map((each) => each.trim());
    const values = list.split(",").map((value) => value.trim());
    if (name === "" || rest.length > 0 || values.includes("") || asked.has(name)) return undefined;
    asked.set(name, values);
  }
  return Object.fromEntries(asked);
}

/** Of a rule as the server has it. */
export function attributesText(attributes: unknown): string {
  if (typeof attributes !== "object" || attributes === null) return "";
  return Object.entries(attributes)
    .map(([name, values]) => `${name}: ${[values].flat().join(", ")}`)
    .join("; ");
}
