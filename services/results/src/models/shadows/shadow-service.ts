import { randomBytes } from "node:crypto";
import { cameraIdOf, type ModelShadow, type ShadowBox, type ShadowReport } from "@sightline/contracts";
import type {
  ListModelShadowsResponse,
  ModelShadowMessage,
  StartModelShadowRequest,
} from "@sightline/contracts/api";
import type { CameraScope } from "../../access/camera-scope.ts";
import type { ModelCatalog } from "../../cameras/model-catalog.ts";
import { ApiError } from "../../errors.ts";
import { annotateJpeg, loadSharp } from "../../snapshots/annotate-jpeg.ts";
import { chooseVersion, readModelName } from "../model-name.ts";
import type { VersionRecords } from "../version-records.ts";
import { shadowIdOf, toShadowMessage } from "./shadow-message.ts";
import { frameId, type ShadowReports } from "./shadow-reports.ts";

const defaultShare = 0.1;
const longestSeconds = 31 * 86_400;
const mostRunning = 8;
/** Most ended shadows that are kept; the oldest are deleted first. */
const mostKept = 20;

/** The calls for shadows. Every method throws ApiError. */
export class ShadowService {
  readonly #reports: ShadowReports;
  readonly #catalog: ModelCatalog;
  readonly #records: VersionRecords;
  readonly #requireCamera: (camera: string) => unknown;

  constructor(
    reports: ShadowReports,
    catalog: ModelCatalog,
    records: VersionRecords,
    requireCamera: (camera: string) => unknown,
  ) {
    this.#reports = reports;
    this.#catalog = catalog;
    this.#records = records;
    this.#requireCamera = requireCamera;
  }

  /** @throws ApiError camera_not_found, model_not_served, model_version_not_found, invalid_argument, too_many_shadows */
  async start(request: StartModelShadowRequest): Promise<ModelShadowMessage> {
    const shadow = this.#read(request);
    const all = this.#reports.all();
    const running = all.filter(([, { endedTime }]) => endedTime === undefined);
    if (running.length >= mostRunning)
      throw new ApiError(
        "too_many_shadows",
        `${running.length} shadows run, which is the most; stop one first`,
      );
    const id = randomBytes(6).toString("hex");
    const report = await stored(async () => {
      for (const [old] of all.filter(([, { endedTime }]) => endedTime).slice(mostKept - 1))
        await this.#reports.delete(old);
      return this.#reports.begin(id, shadow);
    });
    return toShadowMessage(id, report);
  }

  list(scope: CameraScope): ListModelShadowsResponse {
    const seen = this.#reports.all().filter(([, { shadow }]) => scope.sees(shadow.camera));
    return { shadows: seen.map(([id, report]) => toShadowMessage(id, report, false)) };
  }

  /** @throws ApiError shadow_not_found */
  get({ name }: { name: string }, scope: CameraScope): ModelShadowMessage {
    const { id, report } = this.#find(name, scope);
    return toShadowMessage(id, report);
  }

  /** @throws ApiError shadow_not_found, registry_unavailable */
  async stop({ name }: { name: string }, scope: CameraScope): Promise<ModelShadowMessage> {
    const { id, report } = this.#find(name, scope);
    return toShadowMessage(id, (await stored(() => this.#reports.end(id))) ?? report);
  }

  /** @throws ApiError shadow_not_found, registry_unavailable */
  async delete({ name }: { name: string }, scope: CameraScope): Promise<void> {
    const { id } = this.#find(name, scope);
    await stored(() => this.#reports.delete(id));
  }

  /** @throws ApiError shadow_not_found, snapshot_not_found, registry_unavailable */
  async picture({ name, frame }: { name: string; frame: string }, scope: CameraScope): Promise<Uint8Array> {
    const { id, report } = this.#find(name, scope);
    const kept = report.biggest.find((each) => each.hasPicture && frameId(each) === frame);
    const jpeg = kept && (await stored(() => this.#reports.picture(id, kept)));
    if (!jpeg)
      throw new ApiError("snapshot_not_found", `there is no picture of frame '${frame}' of this shadow`);
    return drawDifferences(jpeg, kept.boxes);
  }

  #find(name: string, scope: CameraScope): { id: string; report: ShadowReport } {
    const id = shadowIdOf(name);
    const report = this.#reports.find(id);
    if (!report || !scope.sees(report.shadow.camera))
      throw new ApiError("shadow_not_found", `there is no shadow '${name.replace(/^shadows\//, "")}'`);
    return { id, report };
  }

  #read({
    camera: name,
    model: of,
    version,
    precision,
    share,
    duration,
  }: StartModelShadowRequest): ModelShadow {
    const camera = cameraIdOf(name);
    if (camera === undefined)
      throw new ApiError(
        "invalid_argument",
        "the name of the camera is not valid; expected cameras/{camera}",
      );
    this.#requireCamera(camera);
    const model = readModelName(of);
    if (!this.#catalog.find(model))
      throw new ApiError(
        "model_not_served",
        `no worker has the model '${model}'; served now: ${this.#catalog.names().join(", ") || "none"}`,
      );
    if (!(share >= 0 && share <= 1))
      throw new ApiError("invalid_argument", "share must be more than 0 and at most 1");
    if (precision !== "" && precision !== "int8" && precision !== "fp32")
      throw new ApiError("invalid_argument", "precision must be int8 or fp32");
    const seconds = duration && duration.seconds + duration.nanos / 1e9;
    if (seconds !== undefined && !(seconds >= 1 && seconds <= longestSeconds))
      throw new ApiError("invalid_argument", "duration must be 1 s at least and 31 days at most");
    const now = Date.now();
    return {
      ...{ camera, model, share: share === 0 ? defaultShare : share },
      ...(version === "" ? {} : { version: this.#version(model, version) }),
      ...(precision === "" ? {} : { precision }),
      startTime: new Date(now).toISOString(),
      ...(seconds === undefined ? {} : { endTime: new Date(now + seconds * 1000).toISOString() }),
    };
  }

  /** Versions of a model that is not loaded are unknown here; the worker then reports whether it has the fully named version. */
  #version(model: string, wanted: string): string {
    const record = this.#records.find(model);
    return record.versions.length === 0 && /^[0-9a-f]{12}$/.test(wanted)
      ? wanted
      : chooseVersion(model, record, wanted);
  }
}

async function stored<R>(action: () => Promise<R>): Promise<R> {
  try {
    return await action();
  } catch (cause) {
    if (cause instanceof ApiError) throw cause;
    throw new ApiError("registry_unavailable", "the store of shadows does not answer (NATS); try again", {
      cause,
    });
  }
}

/** Distinguishable colours, as class numbers; the labels show the same. */
const colors = { lost: 0, gained: 2, both: 5 };

/** Draws the boxes that only one model found, with a label that names the model, and those that both found, without a label. */
export async function drawDifferences(jpeg: Uint8Array, boxes: readonly ShadowBox[]): Promise<Uint8Array> {
  const sharp = await loadSharp();
  const { width, height } = await sharp(jpeg).metadata();
  const percent = (score: number | undefined) => `${Math.round(100 * (score ?? 0))}%`;
  const drawn = boxes.map(({ kind, class: name, box, score, shadowScore }) => {
    const [xMin, yMin, xMax, yMax] = box;
    const label = kind === "both" ? "" : `${kind} ${name} ${percent(score ?? shadowScore)}`;
    return { classId: colors[kind], label, box: { xMin, yMin, xMax, yMax } };
  });
  return annotateJpeg({ jpeg, width, height }, drawn);
}
