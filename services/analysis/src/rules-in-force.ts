import { CameraRules, cameraName } from "@sightline/contracts";
import { checkRules, RulesError } from "@sightline/rules";
import type { KvMirror, Logger } from "@sightline/service";

/**
 * The rules for a camera's analysis: those in the bucket, under their etag. Unusable rules, which only another version can
 * have written, count as none.
 */
export function rulesInForce(mirror: KvMirror<CameraRules>, camera: string, log: Logger): CameraRules {
  const stored = mirror.get(camera);
  const revision = mirror.revision(camera);
  const names = { name: `${cameraName(camera)}/rules`, etag: revision === undefined ? "" : String(revision) };
  if (!stored) return CameraRules.fromPartial({ ...names, etag: "" });
  try {
    return { ...checkRules(stored), ...names };
  } catch (error) {
    if (!(error instanceof RulesError)) throw error;
    log.error(
      { err: error },
      "the camera's rules cannot be used; the camera has no rules until they are changed",
    );
    return CameraRules.fromPartial(names);
  }
}
