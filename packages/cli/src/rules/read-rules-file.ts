import { open } from "node:fs/promises";
import { type CameraRules, decodeUtf8 } from "@sightline/contracts";
import { parseRulesFile, type RulesCheck, RulesError, type RulesFault, rulesLimits } from "@sightline/rules";
import { CliError } from "../errors.ts";

/** Only this many faults are listed; the others are counted. */
const maxFaults = 10;

/**
 * Reads and checks a rules file.
 * @throws CliError the file does not exist, is not text, or its rules cannot be used
 */
export async function readRulesFile(file: string, check?: RulesCheck): Promise<CameraRules> {
  const text = await readText(file);
  try {
    return parseRulesFile(text, file, check);
  } catch (error) {
    if (error instanceof RulesError)
      throw new CliError("input_unusable", faultLines(file, error.faults), { cause: error });
    throw error;
  }
}

function faultLines(file: string, faults: readonly RulesFault[]): string {
  const lines = faults
    .slice(0, maxFaults)
    .map(({ field, message }) => `${file}: ${field === "" ? "" : `${field}: `}${message}`);
  const more = faults.length - lines.length;
  return [...lines, ...(more > 0 ? [`${file}: and ${more} more`] : [])].join("\n");
}

/** Reads no more than a rules file may have, since the name may be that of any file, even a device. */
async function readText(file: string): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    await using handle = await open(file);
    const { maxFileLength } = rulesLimits;
    for await (const chunk of handle.createReadStream({ end: maxFileLength, autoClose: false })) {
      chunks.push(chunk);
      size += chunk.length;
    }
    if (size > maxFileLength)
      throw new CliError("input_unusable", `${file}: a rules file has at most ${maxFileLength} bytes.`);
  } catch (error) {
    if (error instanceof CliError) throw error;
    throw new CliError("input_unusable", `${file}: ${reason(error)}`, { cause: error });
  }
  try {
    const text = decodeUtf8(Buffer.concat(chunks));
    if (!text.includes("\0")) return text;
  } catch {
    // Reported below, like a NUL character, which text does not contain.
  }
  throw new CliError(
    "input_unusable",
    `${file}: this is not a rules file: it must be JSON or YAML, as UTF-8 text.`,
  );
}

function reason(error: unknown): string {
  switch ((error as NodeJS.ErrnoException).code) {
    case "ENOENT":
      return "there is no such file.";
    case "EISDIR":
      return "this is a folder, not a rules file.";
    case "EACCES":
      return "you may not read this file.";
    default:
      return error instanceof Error ? error.message : String(error);
  }
}
