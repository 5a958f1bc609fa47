import { InvalidArgumentError } from "commander";

/** Reads `name=value,value`, and adds it to what was asked for before. */
export function attributeValues(
  text: string,
  before: Record<string, string[]> = {},
): Record<string, string[]> {
  const at = text.indexOf("=");
  const name = text.slice(0, Math.max(0, at)).trim();
  const values = text
    .slice(at + 1)
    .split(",")
    .map((value) => value.trim());
  if (name === "" || values.includes(""))
    throw new InvalidArgumentError("expected name=value or name=value,value, such as colour=red");
  return { ...before, [name]: [...(before[name] ?? []), ...values] };
}
