import { type CameraAccess, CameraNetworks } from "@sightline/rtsp";

/** A setting in the environment that cannot be. */
export class AccessSettingError extends Error {
  override readonly name = "AccessSettingError";
}

/** Where cameras may be that the command line connects to by itself: the settings of the ingest service. */
export function cameraAccess(): CameraAccess {
  const redirects = process.env.SIGHTLINE_CAMERA_REDIRECTS || "same-host";
  if (redirects !== "same-host" && redirects !== "any")
    throw new AccessSettingError("SIGHTLINE_CAMERA_REDIRECTS: expected same-host or any");
  const networks = CameraNetworks.parse(process.env.SIGHTLINE_CAMERA_NETWORKS ?? "");
  // Who types the command reads these files anyway.
  return { networks, redirects, files: process.env.SIGHTLINE_SOURCE_FILES || "/" };
}
