import { type ClassAgreement, cameraName, type ShadowReport, toTimestamp } from "@sightline/contracts";
import { ModelShadowMessage, ShadowBox_Kind, ShadowBoxMessage, ShadowClass } from "@sightline/contracts/api";
import { modelName } from "../model-name.ts";
import { frameId } from "./shadow-reports.ts";

const prefix = "shadows/";
const kinds = {
  both: ShadowBox_Kind.BOTH,
  gained: ShadowBox_Kind.GAINED,
  lost: ShadowBox_Kind.LOST,
};

export function shadowName(id: string): string {
  return `${prefix}${id}`;
}

/** The id in "shadows/{shadow}"; other names return an id that no shadow has. */
export function shadowIdOf(name: string): string {
  return name.startsWith(prefix) ? name.slice(prefix.length) : "";
}

/** A report as the API shows it; lists leave out its frames. */
export function toShadowMessage(id: string, report: ShadowReport, withFrames = true): ModelShadowMessage {
  const { shadow, classes, camera, other, cameraLatency, shadowLatency, cameraBatches } = report;
  const names = Object.keys(classes).sort();
  const side = (
    of: ShadowReport["camera"],
    { count, sumMs, maxMs }: ShadowReport["cameraLatency"],
    frames: number,
  ) =>
    of && {
      ...{ ...of, model: modelName(of.model), maxRunMs: maxMs },
      ...(count > 0 ? { meanRunMs: sumMs / count, meanBatch: frames / count } : {}),
    };
  return ModelShadowMessage.fromPartial({
    name: shadowName(id),
    camera: cameraName(shadow.camera),
    model: modelName(shadow.model),
    version: shadow.version ?? "",
    precision: shadow.precision ?? "",
    share: shadow.share,
    startTime: toTimestamp(Date.parse(shadow.startTime)),
    ...(shadow.endTime ? { endTime: toTimestamp(Date.parse(shadow.endTime)) } : {}),
    ...(report.endedTime ? { endedTime: toTimestamp(Date.parse(report.endedTime)) } : {}),
    frames: report.frames,
    workers: Object.entries(report.workers).map(([worker, told]) => ({ worker, ...told })),
    cameraSide: side(camera, cameraLatency, cameraBatches),
    shadowSide: side(other, shadowLatency, shadowLatency.count),
    classes: names.map((name) => toClass(name, classes[name]!)),
    total: toClass(
      "",
      names.reduce((sum, name) => add(sum, classes[name]!), none),
    ),
    biggest: withFrames
      ? report.biggest.map((frame) => ({
          id: frameId(frame),
          captureTime: toTimestamp(frame.captureTimeMs),
          difference: frame.difference,
          hasPicture: frame.hasPicture,
          boxes: frame.boxes.map(({ kind, class: className, box: [xMin, yMin, xMax, yMax], ...scores }) =>
            ShadowBoxMessage.fromPartial({
              ...{ kind: kinds[kind], className, box: { xMin, yMin, xMax, yMax } },
              ...{ score: scores.score ?? 0, shadowScore: scores.shadowScore ?? 0 },
            }),
          ),
        }))
      : [],
  });
}

const none: ClassAgreement = { both: 0, gained: 0, lost: 0, scoreChange: 0, scoreDistance: 0 };

function add(one: ClassAgreement, two: ClassAgreement): ClassAgreement {
  return {
    both: one.both + two.both,
    gained: one.gained + two.gained,
    lost: one.lost + two.lost,
    scoreChange: one.scoreChange + two.scoreChange,
    scoreDistance: one.scoreDistance + two.scoreDistance,
  };
}

function toClass(className: string, { both, gained, lost, scoreChange, scoreDistance }: ClassAgreement) {
  const all = both + gained + lost;
  return ShadowClass.fromPartial({
    ...{ className, both, gained, lost },
    agreement: all > 0 ? both / all : 0,
    ...(both > 0 ? { meanScoreChange: scoreChange / both, meanScoreDistance: scoreDistance / both } : {}),
  });
}
