import { isCameraPattern, mayAs, type RoleName, roleSchema, roles } from "@sightline/contracts";
import { z } from "zod";

/** A role and its cameras. */
export interface Grant {
  role: RoleName;
  cameras: readonly string[];
}

/** The grant for users whose claim contains `value`. */
export interface RoleMapping {
  value: string;
  grant: Grant;
}

const grantHelp =
  "expected a role (viewer, operator or admin), or ROLE:CAMERA,CAMERA with ids, patterns such as yard-* or labels such as site=north";

/** `operator`, or `viewer:gate,yard-*`. @throws Error that says what is expected */
function parseGrant(text: string): Grant {
  const [role = "", cameras, more] = text.trim().split(":");
  const patterns = cameras?.split(",").map((pattern) => pattern.trim()) ?? ["*"];
  const known = roleSchema.safeParse(role.trim());
  if (!known.success || more !== undefined || !patterns.every(isCameraPattern))
    throw new Error(`"${text.trim()}": ${grantHelp}`);
  if (known.data === "admin" && !patterns.includes("*"))
    throw new Error(
      `"${text.trim()}": an admin sees all cameras; take the role operator for one who does not`,
    );
  return { role: known.data, cameras: patterns };
}

/**
 * Values may contain anything but ';': a group's name may be a path or contain '=', and so may the cameras. So the grant starts after the
 * first '=' that is followed by a role; if there is none, the last '=' is used for the error.
 */
function parseMapping(text: string): RoleMapping {
  const first = new RegExp(`=\\s*(?:${roles.join("|")})\\s*(?::|$)`).exec(text)?.index;
  const at = first ?? text.lastIndexOf("=");
  if (at <= 0) throw new Error(`"${text.trim()}": expected VALUE=ROLE, several separated by ';'`);
  return { value: text.slice(0, at).trim(), grant: parseGrant(text.slice(at + 1)) };
}

/** Parses a setting's text with `parse`; its error becomes the setting's error. */
function parsed<T>(parse: (text: string) => T) {
  return (text: string, context: z.RefinementCtx): T => {
    try {
      return parse(text);
    } catch (error) {
      context.addIssue({ code: "custom", message: (error as Error).message });
      return z.NEVER;
    }
  };
}

/** `admins=admin; guards=viewer:gate,yard-*`. */
export const roleMappingsSchema = z
  .string()
  .default("")
  .transform(
    parsed((text) =>
      text
        .split(";")
        .filter((entry) => entry.trim() !== "")
        .map(parseMapping),
    ),
  );

/** A role with its cameras. */
export const grantSchema = z.string().transform(parsed(parseGrant)).optional();

/**
 * The grant for a user with these claim `values`: the highest role that applies, with the cameras of all entries for that role. Entries for
 * lower roles do not count: their cameras would be visible with the higher role.
 */
export function grantOf(values: readonly string[], mappings: readonly RoleMapping[]): Grant | undefined {
  const grants = mappings.filter(({ value }) => values.includes(value)).map(({ grant }) => grant);
  const highest = grants.reduce<RoleName | undefined>(
    (role, grant) => (role === undefined || mayAs(grant.role, role) ? grant.role : role),
    undefined,
  );
  if (highest === undefined) return undefined;
  const cameras = grants.filter(({ role }) => role === highest).flatMap((grant) => grant.cameras);
  return { role: highest, cameras: cameras.includes("*") ? ["*"] : [...new Set(cameras)] };
}

/** The texts in a claim, one or several; `path` is the claim's name, or a path with dots (`realm_access.roles`). */
export function claimValues(claims: Readonly<Record<string, unknown>>, path: string): string[] {
  const found = path in claims ? claims[path] : path.split(".").reduce<unknown>(member, claims);
  return (Array.isArray(found) ? found : [found]).filter((value) => typeof value === "string");
}

function member(object: unknown, name: string): unknown {
  return typeof object === "object" && object !== null
    ? (object as Record<string, unknown>)[name]
    : undefined;
}
