import { WireError } from "./errors.ts";

/**
 * Like JSON.parse, but refuses a repeated field: JSON.parse silently drops the first of two, and another reader may drop the second.
 * @throws WireError json_invalid: the text is not JSON, or a field is repeated
 */
export function parseJson(text: string): unknown {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new WireError("json_invalid", (cause as Error).message, { cause });
  }
  refuseDuplicates(text);
  return value;
}

/**
 * Decodes UTF-8 bytes into text.
 * @throws WireError json_invalid: the bytes are not UTF-8
 */
export function decodeUtf8(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new WireError("json_invalid", "it is not UTF-8", { cause });
  }
}

/** Strings, brackets and commas: the rest of a JSON text does not affect which field names its objects have. */
const tokens = /"(?:[^"\\]|\\.)*"|[{}[\],]/g;

/** @param text JSON that was already parsed without errors */
function refuseDuplicates(text: string): void {
  /** For each open object or list: the field names so far; undefined for a list. */
  const open: (Set<string> | undefined)[] = [];
  let nameMayCome = false;
  for (const { 0: token, index } of text.matchAll(tokens)) {
    if (token === "{" || token === "[") {
      open.push(token === "{" ? new Set() : undefined);
      nameMayCome = token === "{";
    } else if (token === "}" || token === "]") {
      open.pop();
      nameMayCome = false;
    } else if (token === ",") nameMayCome = open.at(-1) !== undefined;
    else if (nameMayCome) {
      const names = open.at(-1)!;
      const name = JSON.parse(token) as string;
      if (names.has(name))
        throw new WireError("json_invalid", `field ${shown(token)} stands twice: ${placeOf(text, index)}`);
      names.add(name);
      nameMayCome = false;
    }
  }
}

function shown(token: string): string {
  return token.length <= 80 ? token : `${token.slice(0, 80)}…"`;
}

function placeOf(text: string, index: number): string {
  const before = text.slice(0, index);
  return `line ${before.split("\n").length}, column ${index - before.lastIndexOf("\n")}`;
}
