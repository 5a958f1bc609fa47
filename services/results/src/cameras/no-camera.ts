import { nameHint } from "@sightline/service";
import { ApiError } from "../grpc/errors.ts";

/** What to tell a caller who names a camera that is not among `known`, with the name that is most like it. */
export function noCamera(id: string, known: readonly string[]): ApiError {
  return new ApiError("camera_not_found", `there is no camera '${id}'${nameHint(id, known)}`);
}
