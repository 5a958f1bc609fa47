import type { RoleName } from "@sightline/contracts";
import { parseLabel } from "@sightline/contracts/labels";

/** What a role may do. */
export const roleMeanings: Readonly<Record<RoleName, string>> = {
  viewer: "looks at cameras, events and recordings",
  operator: "also changes cameras, zones and rules",
  admin: "also manages users and tokens, and reads the audit trail",
};

/** Parses camera names and patterns separated by commas or spaces; an empty text gives none. */
export function camerasIn(text: string): string[] {
  return [...new Set(text.split(/[\s,]+/).filter((name) => name !== ""))];
}

/** Why the text does not name cameras; empty when it does. */
export function camerasFault(text: string): string {
  const names = camerasIn(text);
  if (names.length === 0) return "Name a camera, or write * for all.";
  const wrong = names.find((name) => !/^(\*|[a-z0-9][a-z0-9-]{0,62}\*?)$/.test(name) && !parseLabel(name));
  return wrong === undefined
    ? ""
    : `“${wrong}” is not a camera name: use a–z, 0–9 and “-”, with * at the end for all that begin so, or a label such as site=north.`;
}

/** Text that `camerasIn` parses. */
export function camerasText(cameras: readonly string[]): string {
  return cameras.join(", ");
}

/** Which cameras, in words. */
export function camerasName(cameras: readonly string[]): string {
  if (cameras.includes("*")) return "all";
  return cameras.length === 0 ? "none" : cameras.join(", ");
}
