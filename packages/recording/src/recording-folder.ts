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
  /** Bytes that all segments together may have. */
  maxBytes: number;
  /** Told of a segment that could not be deleted, renamed or read. */
  onFault: (error: Error, segment?: Segment) => void;
  /** Told of each segment that is deleted, and why. */
  onDeleted?: (segment: Segment, why: DeleteReason) => void;
}

/** Why a segment was deleted: no room for it, its age, no event wants it, or a person asked for it. */
export type DeleteReason = "room" | "age" | "unwanted" | "asked";

/**
 * The segments of all cameras of a process, a folder for each camera. What there is, is known from the names of the files alone, so
 * that nothing else can be lost. There is no other process that writes here.
 */
export class RecordingFolder {
  readonly directory: string;
  readonly index = new RecordingIndex();
  readonly #options: FolderOptions;
  /** File operations, one after another for each segment. */
  readonly #work = new Map<Segment, Promise<void>>();

  private constructor(options: FolderOptions) {
    this.directory = options.directory;
    this.#options = options;
  }

  /** Finds what is there. A file that its writer did not end is cut behind its last whole fragment. @throws when the folder cannot be used */
  static async open(options: FolderOptions): Promise<RecordingFolder> {
    const folder = new RecordingFolder(options);
    await mkdir(options.directory, { recursive: true });
    for (const entry of await readdir(options.directory, { withFileTypes: true }))
      if (entry.isDirectory()) await folder.#find(entry.name);
    folder.makeRoom(0);
    return folder;
  }

  /** Begins a segment; its file is the caller's to write at `pathOf`. */
  async begin(camera: string, facts: Omit<SegmentFacts, "toMs">): Promise<Segment> {
    await mkdir(join(this.directory, camera), { recursive: true });
    let { fromMs } = facts;
    // A clock that was set back may show the same time twice.
    while (this.index.get(camera, String(fromMs))) fromMs += 1;
    const segment: Segment = { ...facts, fromMs, toMs: undefined, camera, endMs: fromMs, bytes: 0 };
    this.index.add(segment);
    return segment;
  }

  pathOf(segment: Segment): string {
    return segmentPath(this.directory, segment);
  }

  /** A segment has grown to so many bytes, and up to this capture time. */
  grown(segment: Segment, bytes: number, endMs: number): void {
    this.index.grow(segment, bytes - segment.bytes);
    segment.endMs = Math.max(segment.endMs, endMs);
  }

  /** Lets the oldest go until so many more bytes have room; what is being written is not touched. */
  makeRoom(bytes: number): void {
    while (this.index.bytes + bytes > this.#options.maxBytes) {
      const oldest = this.index.firstToGo(this.#options.maxBytes);
      if (!oldest) return;
      this.delete(oldest, "room");
    }
  }

  /** Ends a segment that is written. One without pictures goes. */
  end(segment: Segment): Promise<void> {
    if (segment.endMs <= segment.fromMs) return this.#drop(segment);
    return this.#rename(segment, { toMs: segment.endMs });
  }

  /** Keeps a segment as one of this kind. */
  setKind(segment: Segment, kind: SegmentKind): Promise<void> {
    return segment.kind === kind ? Promise.resolve() : this.#rename(segment, { kind });
  }

  delete(segment: Segment, why: DeleteReason): Promise<void> {
    this.#options.onDeleted?.(segment, why);
    return this.#drop(segment);
  }

  /** Resolves when all that was asked for has been done. */
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

  /** Ends a segment that was being written when its process ended. */
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
