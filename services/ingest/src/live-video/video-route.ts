import { isCameraId, liveVideoPath } from "@sightline/contracts";
import type { HttpServer } from "@sightline/service";
import { RefusedError } from "../errors.ts";
import { guardByToken } from "../recording/http-requests.ts";
import type { CameraVideo } from "./camera-video.ts";

/** Most viewers of a process: each has its own copy of the stream. */
const mostViewers = 64;

/**
 * Serves live video of cameras to clients that know the token. `find`: the video of a camera that this process receives.
 */
export function liveVideoRoute(
  app: HttpServer["app"],
  token: string,
  find: (camera: string) => CameraVideo | undefined,
  viewers: () => number,
): void {
  app.register(async (scope) => {
    guardByToken(scope, token);
    scope.get<{ Params: { camera: string } }>(
      liveVideoPath(":camera"),
      async ({ params: { camera } }, reply) => {
        if (!isCameraId(camera)) throw new RefusedError("invalid_argument", "the camera's name is not valid");
        const video = find(camera);
        if (!video)
          throw new RefusedError("camera_not_found", `camera '${camera}' is not received by this ingest`);
        if (viewers() >= mostViewers)
          throw new RefusedError(
            "unavailable",
            `${mostViewers} viewers already watch, which is the limit of one ingest`,
          );
        const stream = video.watch();
        reply.raw.once("close", () => stream.destroy());
        reply.header("content-type", "application/octet-stream");
        return reply.send(stream);
      },
    );
  });
}
