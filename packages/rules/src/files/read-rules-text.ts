import { parseJson } from "@sightline/contracts";
import { parse as parseYaml, YAMLParseError } from "yaml";
import { rulesLimits } from "../check/bounds.ts";
import { RulesError } from "../errors.ts";

/**
 * Parses the text of a rules file; `parseRules` checks its content.
 * @param source "json", "yaml", or the file's name, whose extension decides; otherwise, text that looks like JSON is read as JSON
 * @throws {RulesError} the text is too long, empty, or neither JSON nor YAML; the message is one line
 */
export function readRulesText(text: string, source: string): unknown {
  if (text.length > rulesLimits.maxFileLength) {
    throw whole(`A rules file has at most ${rulesLimits.maxFileLength} characters, not ${text.length}.`);
  }
  const value = text.trim() === "" ? undefined : isJson(text, source) ? readJson(text) : readYaml(text);
  // This is not the same as "no rules": an empty file (for example one whose writing failed) must not remove a camera's rules.
  if (value === undefined || value === null)
    throw whole('The rules file is empty; for no rules, write {"rules": []}.');
  return value;
}

function isJson(text: string, source: string): boolean {
  if (/(^|\.)json$/i.test(source)) return true;
  if (/(^|\.)ya?ml$/i.test(source)) return false;
  return text.trimStart().startsWith("{");
}

function readJson(text: string): unknown {
  try {
    return parseJson(text);
  } catch (error) {
    throw whole(`The rules file is not JSON: ${words(error)}.`, error);
  }
}

function readYaml(text: string): unknown {
  try {
    return parseYaml(text, { version: "1.2", merge: true, maxAliasCount: 100, logLevel: "error" });
  } catch (error) {
    if (error instanceof YAMLParseError && error.code === "MULTIPLE_DOCS")
      throw whole("The rules file holds several YAML documents; it must be one.", error);
    throw whole(`The rules file is not YAML: ${words(error)}.`, error);
  }
}

/** A parser's message on one line: JSON's message quotes the text, YAML's message is followed by it. */
function words(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  const first = error instanceof YAMLParseError ? message.split("\n")[0]! : message;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what a terminal must not be sent
  return first.replace(/[\s\u0000-\u001f\u007f-\u009f]+/g, " ").replace(/[:.]?\s*$/, "");
}

function whole(message: string, cause?: unknown): RulesError {
  return new RulesError([{ field: "", message }], { cause });
}
