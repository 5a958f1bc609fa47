import type { RoleName } from "@sightline/contracts";
import { parseLabel } from "@sightline/contracts/labels";

/** What a role may do. */
export const roleMeanings: Readonly<Record<RoleName, string>> = {
  viewer: "looks at cameras, events and recordings",
  operator: "also changes cameras, zones and rules",
  admin: "also manages users and tokens, and reads the audit trail",
};

/** Camera names and patterns of a text with commas or spaces between them; an empty text is none. */
export function camerasIn(text: string): string[] {
  return [...new Set(text.split(/[\s,]+/).filter((name) => name !== ""))];
}

/** Why the text names no cameras; empty when it does. */
export function camerasFault(text: string): string {
  const names = camerasIn(text);
  if (names.length === 0) return "Name a camera, or write * for all.";
  const wrong = names.find((name) => !/^(\*|[a-z0-9][a-z0-9-]{0,62}\*?)$/.test(name) && !parseLabel(name));
  return wrong === undefined
    ? ""
    : `“${wrong}” is not a camera name: use a–z, 0–9 and “-”, with * at the end for all that begin so, or a label such as site=north.`;
}

/** As `camerasIn` takes them. */
export function camerasText(cameras: readonly string[]): string {
  return cameras.join(", ");
}

/** Which cameras, for a person. */
export function camerasName(cameras: readonly string[]): string {
  if (cameras.includes("*")) return "all";
  return cameras.length === 0 ? "none" : cameras.join(", ");
}
