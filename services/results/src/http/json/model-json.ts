import {
  type HttpActivated,
  type HttpModel,
  type HttpModelVersion,
  type HttpShadow,
  toIso,
  type WorkerInfo,
} from "@sightline/contracts";
import {
  type Model,
  type ModelShadowMessage,
  type ModelVersion,
  ShadowBox_Kind,
  type ShadowClass,
  type ShadowSideMessage,
} from "@sightline/contracts/api";

/** A model as the HTTP API shows it, with the workers that have loaded it and the cameras that use it. */
export function toHttpModel(
  model: Model,
  versions: readonly ModelVersion[],
  workers: readonly WorkerInfo[],
  cameras: readonly string[],
): HttpModel {
  const { name, architecture, classes, width, height, activeVersion, previousVersion } = model;
  return {
    ...{ name: lastPart(name), architecture, classes, width, height, activeVersion, previousVersion },
    workers: workers.length,
    precisions: [...new Set(workers.map(({ precision }) => precision))].sort(),
    digests: [...new Set(workers.map(({ modelDigest }) => modelDigest))].sort(),
    cameras: [...cameras].sort(),
    versions: versions.map(toHttpVersion),
  };
}

export function toHttpActivated(
  version: ModelVersion | undefined,
  warnings: readonly string[],
): HttpActivated {
  return { version: toHttpVersion(version!), warnings: [...warnings] };
}

function toHttpVersion({ name: _, seenTime, ...version }: ModelVersion): HttpModelVersion {
  return { ...version, seenTime: toIso(seenTime) };
}

export function toHttpShadow(shadow: ModelShadowMessage): HttpShadow {
  const { name, camera, model, version, precision, share, frames, workers } = shadow;
  return {
    ...{ id: lastPart(name), camera: lastPart(camera), model: lastPart(model), version, precision, share },
    startTime: toIso(shadow.startTime) ?? "",
    endTime: toIso(shadow.endTime),
    endedTime: toIso(shadow.endedTime),
    frames,
    workers: workers.map(({ worker, state, message, dropped }) => ({ worker, state, message, dropped })),
    cameraSide: toSide(shadow.cameraSide),
    shadowSide: toSide(shadow.shadowSide),
    classes: shadow.classes.map(toClass),
    total: toClass(shadow.total!),
    biggest: shadow.biggest.map(({ id, captureTime, difference, boxes, hasPicture }) => ({
      ...{ id, difference, hasPicture, captureTime: toIso(captureTime) ?? "" },
      gained: boxes.filter(({ kind }) => kind === ShadowBox_Kind.GAINED).length,
      lost: boxes.filter(({ kind }) => kind === ShadowBox_Kind.LOST).length,
    })),
  };
}

function toSide(side: ShadowSideMessage | undefined): HttpShadow["cameraSide"] {
  return side ? { ...side, model: lastPart(side.model) } : null;
}

function toClass({ className, ...counts }: ShadowClass): HttpShadow["total"] {
  return { class: className, ...counts };
}

function lastPart(name: string): string {
  return name.slice(name.lastIndexOf("/") + 1);
}
