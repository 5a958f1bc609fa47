import { mkdir, readdir, rename, rm, rmdir, stat, truncate } from "node:fs/promises";
import { join } from "node:path";
import { readSegment } from "./read-segment.ts";
import { byTime, RecordingIndex } from "./recording-index.ts";
import {
  parseSegmentName,
  type Segment,
  type SegmentFacts,
  type SegmentKind,
  segmentPath,
} from "./segment.ts";

export interface FolderOptions {
  directory: string;
  /** Limit for all segments together, in bytes. */
  maxBytes: number;
  /** Called with a segment that could not be deleted, renamed or read. */
  onFault: (error: Error, segment?: Segment) => void;
  /** Called with each deleted segment, and the reason. */
  onDeleted?: (segment: Segment, why: DeleteReason) => void;
}

/** Why a segment was deleted: no space, its age, no event needs it, or a person asked for it. */
export type DeleteReason = "room" | "age" | "unwanted" | "asked";

/**
 * The segments of all cameras of a process, one folder per camera. The file names are the only index, so nothing else can be lost. No
 * other process writes here.
 */
export class RecordingFolder {
  readonly directory: string;
  readonly index = new RecordingIndex();
  readonly #options: FolderOptions;
  /** File operations, in sequence for each segment. */
  readonly #work = new Map<Segment, Promise<void>>();

  private constructor(options: FolderOptions) {
    this.directory = options.directory;
    this.#options = options;
  }

  /**
   * Finds the existing segments. A file that its writer did not finish is cut after its last complete fragment. @throws when the folder
   * cannot be used
   */
  static async open(options: FolderOptions): Promise<RecordingFolder> {
    const folder = new RecordingFolder(options);
    await mkdir(options.directory, { recursive: true });
    for (const entry of await readdir(options.directory, { withFileTypes: true }))
      if (entry.isDirectory()) await folder.#find(entry.name);
    folder.makeRoom(0);
    return folder;
  }

  /** Begins a segment; the caller writes its file at `pathOf`. */
  async begin(camera: string, facts: Omit<SegmentFacts, "toMs">): Promise<Segment> {
    await mkdir(join(this.directory, camera), { recursive: true });
    let { fromMs } = facts;
    // If the clock was set back, the same time may occur twice.
    while (this.index.get(camera, String(fromMs))) fromMs += 1;
    const segment: Segment = { ...facts, fromMs, toMs: undefined, camera, endMs: fromMs, bytes: 0 };
    this.index.add(segment);
    return segment;
  }

  pathOf(segment: Segment): string {
    return segmentPath(this.directory, segment);
  }

  /** A segment has grown to this many bytes and up to this capture time. */
  grown(segment: Segment, bytes: number, endMs: number): void {
    this.index.grow(segment, bytes - segment.bytes);
    segment.endMs = Math.max(segment.endMs, endMs);
  }

  /** Deletes the oldest segments until this many more bytes fit; segments being written are not touched. */
  makeRoom(bytes: number): void {
    while (this.index.bytes + bytes > this.#options.maxBytes) {
      const oldest = this.index.firstToGo(this.#options.maxBytes);
      if (!oldest) return;
      this.delete(oldest, "room");
    }
  }

  /** Ends a segment that was written. A segment without pictures is deleted. */
  end(segment: Segment): Promise<void> {
    if (segment.endMs <= segment.fromMs) return this.#drop(segment);
    return this.#rename(segment, { toMs: segment.endMs });
  }

  /** Changes the kind of a segment. */
  setKind(segment: Segment, kind: SegmentKind): Promise<void> {
    return segment.kind === kind ? Promise.resolve() : this.#rename(segment, { kind });
  }

  delete(segment: Segment, why: DeleteReason): Promise<void> {
    this.#options.onDeleted?.(segment, why);
    return this.#drop(segment);
  }

  /** Resolves when all requested operations are done. */
  async settled(): Promise<void> {
    while (this.#work.size > 0) await Promise.all(this.#work.values());
  }

  #drop(segment: Segment): Promise<void> {
    this.index.remove(segment);
    return this.#do(segment, async () => {
      await rm(this.pathOf(segment), { force: true });
      if (this.index.of(segment.camera).length === 0)
        await rmdir(join(this.directory, segment.camera)).catch(() => undefined);
    });
  }

  #rename(segment: Segment, change: Partial<Pick<SegmentFacts, "kind" | "toMs">>): Promise<void> {
    return this.#do(segment, async () => {
      if (!this.index.has(segment)) return;
      const from = this.pathOf(segment);
      await rename(from, segmentPath(this.directory, { ...segment, ...change }));
      this.index.change(segment, change);
    });
  }

  #do(segment: Segment, work: () => Promise<void>): Promise<void> {
    const done = (this.#work.get(segment) ?? Promise.resolve())
      .then(work)
      .catch((error: Error) => this.#options.onFault(error, segment))
      .finally(() => {
        if (this.#work.get(segment) === done) this.#work.delete(segment);
      });
    this.#work.set(segment, done);
    return done;
  }

  async #find(camera: string): Promise<void> {
    const directory = join(this.directory, camera);
    const found: Segment[] = [];
    for (const name of await readdir(directory)) {
      const facts = parseSegmentName(name);
      if (!facts) continue;
      const { size } = await stat(join(directory, name));
      found.push({ ...facts, camera, endMs: facts.toMs ?? facts.fromMs, bytes: size });
    }
    for (const segment of found.sort(byTime)) {
      this.index.add(segment);
      if (segment.toMs === undefined)
        await this.#recover(segment).catch((error: Error) => this.#options.onFault(error, segment));
    }
  }

  /** Ends a segment that was being written when its process stopped. */
  async #recover(segment: Segment): Promise<void> {
    const path = this.pathOf(segment);
    const content = await readSegment(path);
    const samples = content?.samples ?? [];
    if (!content || samples.length === 0) return this.#drop(segment);
    await truncate(path, content.wholeBytes);
    const end = samples.reduce((most, { captureMs }) => Math.max(most, captureMs), segment.fromMs);
    this.grown(segment, content.wholeBytes, Math.ceil(end));
    await this.end(segment);
  }
}
