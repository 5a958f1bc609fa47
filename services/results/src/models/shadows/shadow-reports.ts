import type { KV } from "@nats-io/kv";
import {
  type CameraRecord,
  decodeJson,
  encodeJson,
  type ModelShadow,
  type ShadowMessage,
  type ShadowReport,
  shadowMessageSchema,
  shadowReportSchema,
  subjects,
} from "@sightline/contracts";
import {
  isJetStreamFailure,
  type KvMirror,
  type Logger,
  type Nats,
  type PictureClient,
} from "@sightline/service";
import type { TimeRange } from "../../history/history-page.ts";
import { biggestKept, emptyReport, mergeReports, reportOf } from "./report-sums.ts";

const writeMs = 1_000;
const pictureWidth = 960;
/** Most pictures requested at the same time. */
const mostAsked = 16;

export interface ShadowParts {
  nats: Nats;
  /** The shadows that workers should run. */
  shadows: { kv: KV; mirror: KvMirror<ModelShadow> };
  reports: { kv: KV; mirror: KvMirror<ShadowReport> };
  pictures: KV;
  /** Registered cameras. */
  cameras: Pick<KvMirror<CameraRecord>, "get">;
  client: Pick<PictureClient, "get">;
  log: Logger;
}

/**
 * Stored results of shadows in NATS. Each worker message goes to one results service, which adds it to the report; between several services
 * the revision decides.
 */
export class ShadowReports {
  readonly #parts: ShadowParts;
  /** Results that are not stored yet, by shadow. */
  readonly #pending = new Map<string, ShadowReport>();
  #asked = 0;
  #timer: NodeJS.Timeout | undefined;
  #writing = false;
  #unsubscribe = () => {};

  constructor(parts: ShadowParts) {
    this.#parts = parts;
  }

  start(): void {
    const { nats, log } = this.#parts;
    const subscription = nats.connection.subscribe(subjects.shadow("*"), {
      queue: "results",
      callback: (error, { subject, data }) => {
        if (error) return;
        try {
          void this.#heard(subject.slice(subject.indexOf(".") + 1), decodeJson(shadowMessageSchema, data));
        } catch (fault) {
          log.warn({ err: fault }, "a worker's message about a shadow cannot be read");
        }
      },
    });
    this.#unsubscribe = () => subscription.unsubscribe();
    this.#timer = setInterval(() => void this.#tick(), writeMs);
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    this.#unsubscribe();
  }

  find(id: string): ShadowReport | undefined {
    return this.#parts.reports.mirror.get(id);
  }

  /** Reports of all running and ended shadows, newest first. */
  all(): [string, ShadowReport][] {
    const { mirror } = this.#parts.reports;
    return mirror
      .keys()
      .map((id): [string, ShadowReport] => [id, mirror.get(id)!])
      .sort(([, a], [, b]) => Date.parse(b.shadow.startTime) - Date.parse(a.shadow.startTime));
  }

  /** @throws when NATS is away */
  async begin(id: string, shadow: ModelShadow): Promise<ShadowReport> {
    const { shadows } = this.#parts;
    const report = await this.#change(id, () => emptyReport(shadow));
    shadows.mirror.applyPut(id, await shadows.kv.create(id, encodeJson(shadow)), shadow);
    return report!;
  }

  /** Ends it and returns its results. @throws when NATS is away */
  async end(id: string): Promise<ShadowReport | undefined> {
    const { shadows } = this.#parts;
    if (shadows.mirror.get(id)) await shadows.kv.delete(id);
    await this.#write(id);
    return this.#change(
      id,
      (report) => report && (report.endedTime ? report : { ...report, endedTime: new Date().toISOString() }),
    );
  }

  /** Ends it and deletes its results. @throws when NATS is away */
  async delete(id: string): Promise<void> {
    const { shadows, reports, pictures } = this.#parts;
    if (shadows.mirror.get(id)) await shadows.kv.delete(id);
    this.#pending.delete(id);
    for (const { epoch, number } of this.find(id)?.biggest ?? [])
      await pictures.purge(pictureKey(id, epoch, number));
    await reports.kv.purge(id);
    const revision = reports.mirror.revision(id);
    if (revision !== undefined) reports.mirror.applyDelete(id, revision);
  }

  /** Deletes the reports of a camera with frames in a time range, or all its reports when the range has no bounds. */
  async forgetCamera(camera: string, { start, end }: TimeRange): Promise<void> {
    const isAll = start === -Infinity && end === Infinity;
    for (const [id, { shadow, biggest }] of this.all())
      if (
        shadow.camera === camera &&
        (isAll || biggest.some(({ captureTimeMs: at }) => at >= start && at < end))
      )
        await this.delete(id);
  }

  /** The original picture of one of the kept frames. @throws when NATS is away */
  async picture(
    id: string,
    { epoch, number }: { epoch: string; number: number },
  ): Promise<Uint8Array | undefined> {
    const entry = await this.#parts.pictures.get(pictureKey(id, epoch, number));
    return entry?.operation === "PUT" ? entry.value : undefined;
  }

  async #heard(id: string, message: ShadowMessage): Promise<void> {
    const report = this.find(id);
    if (!report) return;
    const { shadow } = report;
    const hasPicture = message.kind === "frame" && (await this.#keepPicture(id, report, message.frame));
    const told = reportOf(shadow, message, hasPicture);
    const before = this.#pending.get(id);
    if (!before) return void this.#pending.set(id, told);
    const merged = mergeReports(before, told);
    this.#pending.set(id, merged);
    await this.#purgeFallen(id, [...before.biggest, ...told.biggest], merged);
  }

  /** Deletes the pictures of frames that are no longer among the biggest differences. */
  async #purgeFallen(id: string, frames: ShadowReport["biggest"], { biggest }: ShadowReport): Promise<void> {
    const stays = new Set(biggest.map(frameId));
    for (const frame of frames)
      if (frame.hasPicture && !stays.has(frameId(frame)))
        await this.#parts.pictures.purge(pictureKey(id, frame.epoch, frame.number)).catch(() => undefined);
  }

  /** Ingest keeps frames for some seconds only, so pictures of those that may be among the biggest are requested at once. */
  async #keepPicture(
    id: string,
    { shadow, biggest }: ShadowReport,
    { epoch, number, difference }: { epoch: string; number: number; difference: number },
  ): Promise<boolean> {
    const least = [...biggest, ...(this.#pending.get(id)?.biggest ?? [])]
      .map((frame) => frame.difference)
      .sort((a, b) => b - a)[biggestKept - 1];
    if (difference <= (least ?? 0) || this.#asked >= mostAsked) return false;
    this.#asked++;
    try {
      const { jpeg } = await this.#parts.client.get(shadow.camera, { epoch, number, maxWidth: pictureWidth });
      await this.#parts.pictures.put(pictureKey(id, epoch, number), jpeg);
      return true;
    } catch {
      // It is only one of many.
      return false;
    } finally {
      this.#asked--;
    }
  }

  async #tick(): Promise<void> {
    if (this.#writing) return;
    this.#writing = true;
    const { shadows, cameras, log } = this.#parts;
    try {
      for (const id of [...this.#pending.keys()]) await this.#write(id);
      for (const id of shadows.mirror.keys()) {
        const { endTime, camera } = shadows.mirror.get(id)!;
        const isOver = endTime !== undefined && Date.parse(endTime) <= Date.now();
        if (isOver || !cameras.get(camera)) await this.end(id);
      }
    } catch (error) {
      log.debug({ err: error }, "what shadows found could not be stored; it is tried again");
    } finally {
      this.#writing = false;
    }
  }

  async #write(id: string): Promise<void> {
    const told = this.#pending.get(id);
    if (!told) return;
    this.#pending.delete(id);
    const frames = [...(this.find(id)?.biggest ?? []), ...told.biggest];
    try {
      const merged = await this.#change(id, (report) => report && mergeReports(report, told));
      if (merged) await this.#purgeFallen(id, frames, merged);
    } catch (error) {
      const newer = this.#pending.get(id);
      this.#pending.set(id, newer ? mergeReports(told, newer) : told);
      throw error;
    }
  }

  async #change(
    id: string,
    change: (report: ShadowReport | undefined) => ShadowReport | undefined,
  ): Promise<ShadowReport | undefined> {
    const { kv, mirror } = this.#parts.reports;
    for (;;)
      try {
        const entry = await kv.get(id);
        const report = entry?.operation === "PUT" ? decodeJson(shadowReportSchema, entry.value) : undefined;
        const next = change(report);
        if (!next || next === report) return report;
        const data = encodeJson(next);
        const revision = report ? await kv.update(id, data, entry!.revision) : await kv.create(id, data);
        mirror.applyPut(id, revision, next);
        return next;
      } catch (error) {
        if (!isJetStreamFailure(error, "wrongLastSequence")) throw error;
      }
  }
}

/** Identifies a frame within its shadow. */
export function frameId({ epoch, number }: { epoch: string; number: number }): string {
  return `${epoch}-${number}`;
}

function pictureKey(id: string, epoch: string, number: number): string {
  return `${id}.${frameId({ epoch, number })}`;
}
