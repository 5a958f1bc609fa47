import { ApiError, noCamera } from "../errors.ts";
import type { MethodAccess, Needs } from "./access-table.ts";
import type { Principal } from "./principal.ts";

/** Ids of all cameras, from which a similar name is suggested for a wrong one. */
export type CameraIds = () => readonly string[];

/** Returns the caller if they have the needed role. @throws ApiError unauthenticated, permission_denied */
export function permitRole(
  principal: Principal | undefined,
  needs: Needs,
  what: string,
): Principal | undefined {
  if (needs === "anyone") return principal;
  if (!principal)
    throw new ApiError(
      "unauthenticated",
      "this server must know who calls: log in (`sightline login`), or give a token (SIGHTLINE_TOKEN, or `authorization: Bearer …`)",
    );
  if (principal.mayAs(needs)) return principal;
  throw new ApiError(
    "permission_denied",
    `${what} needs the role ${needs}; '${principal.name}' has the role ${principal.role}`,
  );
}

/** The camera that a request concerns, if any. @throws ApiError camera_not_found, permission_denied when it would be created */
export function permitCamera<Request>(
  principal: Principal | undefined,
  { cameras, creates }: MethodAccess<Request>,
  request: Request,
  ids: CameraIds,
): string | undefined {
  const camera = typeof cameras === "function" ? cameras(request) : undefined;
  if (camera === undefined || !principal || principal.sees(camera)) return camera;
  if (creates)
    throw new ApiError(
      "permission_denied",
      `'${principal.name}' may not make a camera of this name; its cameras are ${principal.cameras.join(", ")}`,
    );
  throw noCamera(camera, seenIds(principal, ids));
}

/** A caught value as this caller may read it: suggested names contain only cameras that the caller sees. */
export function forEyesOf(
  principal: Principal | undefined,
  camera: string | undefined,
  error: unknown,
  ids: CameraIds,
): unknown {
  const isGuess = error instanceof ApiError && error.code === "camera_not_found";
  if (!isGuess || !principal || principal.scope.all || camera === undefined) return error;
  return noCamera(camera, seenIds(principal, ids));
}

function seenIds(principal: Principal, ids: CameraIds): string[] {
  return ids().filter((id) => principal.sees(id));
}
