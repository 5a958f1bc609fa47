/** A text is no JSON that can be relied on; the message says where and why, without quoting more than a name. */
export class JsonTextError extends Error {
  override readonly name = "JsonTextError";
}

/**
 * JSON.parse that refuses a field that stands twice: of two with one name it drops the first without a word, and another
 * reader may drop the second.
 * @throws {JsonTextError} the text is not JSON, or a field stands twice
 */
export function parseJson(text: string): unknown {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new JsonTextError((cause as Error).message, { cause });
  }
  refuseDuplicates(text);
  return value;
}

/**
 * The text in bytes.
 * @throws {JsonTextError} they are not UTF-8
 */
export function decodeUtf8(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new JsonTextError("it is not UTF-8", { cause });
  }
}

/** Strings, brackets and commas: all else of a JSON text has no say in which names its objects have. */
const tokens = /"(?:[^"\\]|\\.)*"|[{}[\],]/g;

/** @param text JSON, as it has been parsed */
function refuseDuplicates(text: string): void {
  /** Of each object or list that is open: the names so far; undefined in a list. */
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
        throw new JsonTextError(`field ${shown(token)} stands twice: ${placeOf(text, index)}`);
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
