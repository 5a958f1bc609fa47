import { accessLimits, isCameraPattern, type RoleName, roles } from "@sightline/contracts";
import { InvalidArgumentError, Option } from "commander";

/** `--role`. */
export function roleOption(text: string): Option {
  return new Option("--role <role>", text).choices(roles);
}

/** `--cameras`. */
export function camerasOption(text: string): Option {
  return new Option(
    "--cameras <names>",
    `${text}: names separated by commas, beginnings with a * (yard-*), labels (site=north), or * for all`,
  ).argParser(readCameras);
}

function readCameras(text: string): string[] {
  const cameras = text.split(",").map((name) => name.trim());
  const odd = cameras.find((name) => !isCameraPattern(name));
  if (odd !== undefined)
    throw new InvalidArgumentError(
      `"${odd}" is not a camera; expected a name, a beginning such as yard-*, a label such as site=north, or *.`,
    );
  if (cameras.length > accessLimits.maxPatterns)
    throw new InvalidArgumentError(`there are more than ${accessLimits.maxPatterns}.`);
  return cameras;
}

/** How long from now: 12h, 30d. */
export function expiresOption(): Option {
  return new Option("--expires <duration>", "when it ends, from now: 12h, 30d (default: never)").argParser(
    readExpiry,
  );
}

function readExpiry(text: string): Date {
  const [, count, unit] = /^(\d{1,5})([hd])$/.exec(text) ?? [];
  if (count === undefined || Number(count) === 0)
    throw new InvalidArgumentError("expected hours or days, such as 12h or 30d.");
  return new Date(Date.now() + Number(count) * (unit === "h" ? 3_600_000 : 86_400_000));
}

export type { RoleName };
