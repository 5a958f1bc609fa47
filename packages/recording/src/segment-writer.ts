import { type FileHandle, open } from "node:fs/promises";
import { displaySize, type Orientation } from "@sightline/media";
import type { CodedPicture, RecordedCodec } from "./coded-picture.ts";
import { Fragment, type TimedPicture } from "./fragment.ts";
import { DecodeTimes, MediaClock } from "./media-clock.ts";
import { fragmentedMovie } from "./mp4/movie-box.ts";
import { sampleDescription } from "./mp4/sample-entry.ts";
import { type SoundTrack, soundTrack } from "./mp4/sound-track.ts";
import { type ParameterSets, parameterSetsOf, pictureSize } from "./parameter-sets.ts";
import type { RecordingFolder } from "./recording-folder.ts";
import type { Segment, SegmentKind } from "./segment.ts";
import { type CodedSound, SoundFrames } from "./sound-frames.ts";

/** A segment ends before the first key picture that is this much later than its first picture. */
const segmentMs = 10_000;
/** Pictures are written in fragments of this length: no more is lost when the process is killed. */
const fragmentMs = 1_000;
/** Pictures that come while this much waits for a slow disk are not recorded. */
const mostWaitingBytes = 16 * 1024 * 1024;
/** At this size data is written even if pictures that are shown earlier may still come; and the memory per picture besides its data. */
const mostGatheredBytes = 8 * 1024 * 1024;
const pictureOverheadBytes = 256;
/** If no sound has come for this long, it has stopped; files that begin after that have none. */
const soundPauseMs = 2_000;

export interface WriterOptions {
  camera: string;
  codec: RecordedCodec;
  folder: RecordingFolder;
  /** AudioSpecificConfig of the AAC that comes with the pictures. */
  sound?: Uint8Array | undefined;
  /** The kind of a segment when it begins. */
  kind: () => SegmentKind;
  /** Whether the disk may be written to now. */
  mayWrite: () => boolean;
  /** Called when writing to the disk failed. */
  onFault: (error: Error) => void;
  /** Called with the number of pictures that are not recorded because the disk is slow or full. */
  onDropped: (pictures: number) => void;
  onWritten?: (pictures: number, bytes: number) => void;
}

interface OpenFile {
  sets: ParameterSets;
  orientation: Orientation;
  hasSound: boolean;
  firstMs: number;
  sequence: number;
  bytes: number;
  /** Undefined until it exists. */
  segment: Segment | undefined;
  handle: FileHandle | undefined;
  failed: boolean;
}

/**
 * Writes one connection's pictures to segments. It never waits: if the disk is too slow, pictures are left out up to the next key picture.
 */
export class SegmentWriter {
  readonly #options: WriterOptions;
  readonly #clock = new MediaClock();
  readonly #decodeTimes = new DecodeTimes();
  #sets: ParameterSets | undefined;
  #file: OpenFile | undefined;
  #gathered: TimedPicture[] = [];
  #gatheredBytes = 0;
  #latest = Number.NEGATIVE_INFINITY;
  readonly #soundTrack: SoundTrack | undefined;
  readonly #sound: SoundFrames | undefined;
  /** Time of the last sound, by performance.now(); at the start sound is expected. */
  #soundAt: number | undefined;
  #waitingBytes = 0;
  #writing: Promise<void> = Promise.resolve();

  constructor(options: WriterOptions) {
    this.#options = options;
    const { sound } = options;
    this.#soundTrack = sound && soundTrack(sound);
    this.#sound = sound && this.#soundTrack && new SoundFrames(sound);
  }

  /** Takes the next picture, whose memory must not change later. Pictures that no file can hold are left out. */
  push(picture: CodedPicture): void {
    try {
      this.#take(picture);
    } catch (error) {
      // Times or sizes that no real camera sends and no file can hold.
      if (!(error instanceof RangeError)) throw error;
      this.#drop();
    }
  }

  /** Takes the next frame of sound, whose memory must not change later. */
  pushSound({ data, ptsUs, arrivedAt }: CodedSound): void {
    this.#soundAt = arrivedAt;
    const ticks = this.#clock.at({ ptsUs, arrivedAt });
    if (ticks !== undefined && this.#file?.hasSound) this.#sound?.push(data, ticks);
  }

  /** Writes the collected data and ends the file. */
  async stop(): Promise<void> {
    this.#flush();
    this.#end();
    await this.#writing;
  }

  /** Resolves when all data handed over has been written. */
  async settled(): Promise<void> {
    await this.#writing;
  }

  #take(picture: CodedPicture): void {
    const { ticks, anew } = this.#clock.time(picture);
    // The parameter sets from the camera's description come with the first picture, whatever its kind.
    this.#sets ??= parameterSetsOf(this.#options.codec, picture.data, undefined);
    if (picture.key) this.#key(picture, ticks, anew);
    const first = this.#gathered[0];
    // A picture that is shown after all earlier ones is a safe place to cut: no later picture is shown before one that is written now.
    const parts = ticks > this.#latest && picture.arrivedAt - (first?.picture.arrivedAt ?? 0) >= fragmentMs;
    if (first && (parts || this.#gatheredBytes > mostGatheredBytes)) this.#flush(ticks);
    if (!this.#file) return;
    if (this.#file.failed || this.#waitingBytes > mostWaitingBytes) {
      this.#drop();
      return;
    }
    this.#gathered.push({ picture, ticks });
    this.#gatheredBytes += picture.data.byteLength + pictureOverheadBytes;
    this.#latest = Math.max(this.#latest, ticks);
  }

  /** Drops the collected data and everything up to the next key picture. */
  #drop(): void {
    this.#options.onDropped(1 + this.#gathered.length);
    this.#end();
  }

  /** `time`: when the picture is shown; `anew`: the time does not continue the earlier times. */
  #key(picture: CodedPicture, time: number, anew: boolean): void {
    const ticks = anew ? undefined : time;
    const { codec, mayWrite, onDropped } = this.#options;
    const { orientation = 1 } = picture;
    const sets = parameterSetsOf(codec, picture.data, this.#sets);
    this.#flush(ticks);
    const file = this.#file;
    const age = file ? picture.captureMs - file.firstMs : 0;
    this.#soundAt ??= picture.arrivedAt;
    const hasSound = this.#sound !== undefined && picture.arrivedAt - this.#soundAt < soundPauseMs;
    const sameHead = sets === file?.sets && orientation === file?.orientation && hasSound === file?.hasSound;
    if (file && (ticks === undefined || file.failed || !sameHead || age >= segmentMs || age < 0)) this.#end();
    this.#sets = sets;
    if (this.#file || !sets) return;
    if (!mayWrite() || this.#waitingBytes > mostWaitingBytes) onDropped(1);
    else this.#begin({ sets, orientation, hasSound }, picture.captureMs, time);
  }

  /** `ticks`: display time of its first picture. */
  #begin(head: Pick<OpenFile, "sets" | "orientation" | "hasSound">, firstMs: number, ticks: number): void {
    const { sets, orientation, hasSound } = head;
    const { camera, codec, folder, kind } = this.#options;
    const file: OpenFile = {
      ...head,
      firstMs,
      sequence: 0,
      bytes: 0,
      segment: undefined,
      handle: undefined,
      failed: false,
    };
    this.#file = file;
    this.#latest = Number.NEGATIVE_INFINITY;
    this.#decodeTimes.restart();
    const size = pictureSize(sets)!;
    const shown = displaySize(size, size.aspect);
    const track = { ...shown, orientation, description: sampleDescription(sets) };
    const movie = fragmentedMovie(track, hasSound ? this.#soundTrack : undefined);
    if (hasSound) this.#sound?.begin(ticks);
    else this.#sound?.drop();
    const { width, height } = size;
    this.#write(file, movie.length, async () => {
      const fromMs = Math.max(0, Math.floor(firstMs));
      const facts = { fromMs, codec, width, height, audio: hasSound, kind: kind() };
      file.segment = await folder.begin(camera, facts);
      file.handle = await open(folder.pathOf(file.segment), "wx");
      await this.#append(file, movie, file.segment.fromMs);
    });
  }

  /** Writes the collected data as a fragment; `next` is the display time of the following picture. */
  #flush(next?: number): void {
    const file = this.#file;
    const gathered = this.#gathered;
    if (!file || gathered.length === 0) return;
    this.#gathered = [];
    this.#gatheredBytes = 0;
    const sound = file.hasSound ? this.#sound?.take(next) : undefined;
    const fragment = new Fragment(++file.sequence, gathered, this.#decodeTimes, next, sound);
    const { bytes, endMs } = fragment;
    this.#write(file, bytes, async () => {
      await this.#append(file, fragment.toBuffer(), endMs);
      this.#options.onWritten?.(gathered.length, bytes);
    });
  }

  #end(): void {
    const file = this.#file;
    this.#file = undefined;
    this.#gathered = [];
    this.#gatheredBytes = 0;
    if (!file) return;
    this.#writing = this.#writing.then(async () => {
      const { folder, onFault } = this.#options;
      await file.handle?.close().catch(onFault);
      if (file.segment) await folder.end(file.segment);
    });
  }

  #write(file: OpenFile, bytes: number, work: () => Promise<void>): void {
    this.#waitingBytes += bytes;
    this.#writing = this.#writing.then(async () => {
      try {
        if (!file.failed) await work();
      } catch (error) {
        file.failed = true;
        this.#options.onFault(error as Error);
        // A partly written fragment is cut off, so that the file ends with a complete one.
        await file.handle?.truncate(file.bytes).catch(() => undefined);
      } finally {
        this.#waitingBytes -= bytes;
      }
    });
  }

  async #append(file: OpenFile, data: Buffer, endMs: number): Promise<void> {
    const { folder } = this.#options;
    folder.makeRoom(data.length);
    await file.handle!.appendFile(data);
    file.bytes += data.length;
    folder.grown(file.segment!, file.bytes, endMs);
  }
}
