import { stat } from "node:fs/promises";
import { join } from "node:path";
import {
  type Attribute,
  addReadings,
  chosenObjects,
  type Detection as DetectionMessage,
  likelyAttributes,
  makeDetection,
} from "@sightline/contracts";
import {
  type ClassifierManifest,
  ClassifierSession,
  type Detection,
  type Letterbox,
  type PreparedMetadata,
  placeInFrame,
  readClassifier,
} from "@sightline/yolo-nas";
import type { SecondStageOption } from "../camera/camera-options.ts";
import { CliError } from "../errors.ts";

/** A detection with the results of second stages. */
export interface Looked extends Detection {
  readonly attributes: readonly Attribute[];
}

interface OpenStage {
  readonly manifest: ClassifierManifest;
  readonly session: ClassifierSession;
  /** Undefined means all. */
  readonly classes: ReadonlySet<string> | undefined;
}

type Detector = Pick<PreparedMetadata, "frame" | "classes">;

/** The second stages of one run of a command. */
export class OpenSecondStages {
  readonly #stages: readonly OpenStage[];
  readonly #detector: Detector;

  private constructor(stages: readonly OpenStage[], detector: Detector) {
    this.#stages = stages;
    this.#detector = detector;
  }

  /**
   * @throws CliError when a model does not exist or is not a classifier, or when it should look at a class that the detector does
   * not know
   */
  static async open(
    wanted: readonly SecondStageOption[] = [],
    models: string,
    detector: Detector,
    threads?: number,
  ): Promise<OpenSecondStages> {
    const stages: OpenStage[] = [];
    for (const { model, classes } of wanted) {
      const unknown = classes.find((name) => !detector.classes.includes(name));
      if (unknown !== undefined)
        throw new CliError(
          "usage",
          `--then ${model} is to look at '${unknown}', but the detector finds no such class; it finds ${detector.classes.join(", ")}`,
        );
      const folder = await folderOf(model, models);
      const manifest = await readClassifier(folder);
      if (!manifest)
        throw new CliError("input_unusable", `--then ${model}: ${folder} is a detector, no classifier`);
      const file = join(folder, manifest.files.fp32.file);
      const session = await ClassifierSession.load(file, manifest.attributes, { threads });
      stages.push({ manifest, session, classes: classes.length > 0 ? new Set(classes) : undefined });
    }
    return new OpenSecondStages(stages, detector);
  }

  /** The attributes they report, for rules. */
  get attributes(): ClassifierManifest["attributes"][number][] {
    return this.#stages.flatMap(({ manifest }) => manifest.attributes);
  }

  /** The objects found in a frame (given as planes) as messages, with the readings for each. */
  async read(
    pixels: Uint8Array,
    letterbox: Letterbox,
    found: readonly Detection[],
  ): Promise<DetectionMessage[]> {
    const { frame, classes } = this.#detector;
    const { source } = letterbox;
    const detections = found.map(({ classId, score, box }) =>
      makeDetection({ classId, className: classes[classId] ?? "", score, box }, source),
    );
    const place = {
      sourceWidth: source.width,
      sourceHeight: source.height,
      letterbox: placeInFrame(letterbox, frame),
    };
    for (const stage of this.#stages) {
      const { objects, boxes } = chosenObjects(place, detections, stage.classes);
      if (objects.length === 0) continue;
      addReadings(objects, stage.manifest.attributes, await stage.session.run(pixels, frame, boxes));
    }
    return detections;
  }

  /** The detections of a frame, with the attributes from that frame alone. */
  async look(pixels: Uint8Array, letterbox: Letterbox, found: readonly Detection[]): Promise<Looked[]> {
    const messages = await this.read(pixels, letterbox, found);
    return found.map((detection, index) => ({
      ...detection,
      attributes: likelyAttributes(messages[index]!.attributeReadings),
    }));
  }

  async stop(): Promise<void> {
    await Promise.all(this.#stages.map(({ session }) => session.stop()));
  }
}

async function folderOf(model: string, models: string): Promise<string> {
  for (const place of [model, join(models, model)])
    if ((await stat(place).catch(() => undefined))?.isDirectory()) return place;
  throw new CliError("not_found", `there is no classifier '${model}', neither as a folder nor in ${models}`);
}
