import { type Segment, segmentId } from "./segment.ts";

/** Segments of events may take this share of all bytes before they are deleted in favour of others. */
const eventShare = 0.5;

export function byTime(a: Segment, b: Segment): number {
  return a.fromMs - b.fromMs;
}

/** The existing segments by camera, oldest first. */
export class RecordingIndex {
  readonly #cameras = new Map<string, Segment[]>();
  readonly #cameraBytes = new Map<string, number>();
  #bytes = 0;
  #eventBytes = 0;

  /** Bytes of all segments. */
  get bytes(): number {
    return this.#bytes;
  }

  cameras(): string[] {
    return [...this.#cameras.keys()];
  }

  of(camera: string): readonly Segment[] {
    return this.#cameras.get(camera) ?? [];
  }

  bytesOf(camera: string): number {
    return this.#cameraBytes.get(camera) ?? 0;
  }

  get(camera: string, id: string): Segment | undefined {
    return this.of(camera).find((segment) => segmentId(segment) === id);
  }

  has(segment: Segment): boolean {
    return this.of(segment.camera).includes(segment);
  }

  /** Segments that overlap a range. */
  find(camera: string, fromMs: number, toMs: number): Segment[] {
    return this.of(camera).filter((segment) => segment.fromMs < toMs && segment.endMs > fromMs);
  }

  /** Segments that end after this time, latest first. */
  since(camera: string, fromMs: number): Segment[] {
    const segments = this.of(camera);
    const before = segments.findLastIndex(({ endMs }) => endMs < fromMs);
    return segments.slice(before + 1).reverse();
  }

  add(segment: Segment): void {
    const segments = this.#cameras.get(segment.camera) ?? [];
    this.#cameras.set(segment.camera, segments);
    segments.push(segment);
    segments.sort(byTime);
    this.#count(segment, segment.bytes);
  }

  grow(segment: Segment, bytes: number): void {
    segment.bytes += bytes;
    if (this.has(segment)) this.#count(segment, bytes);
  }

  /** Updates the facts in a segment's name; its times and size may not change here. */
  change(segment: Segment, change: Partial<Pick<Segment, "kind" | "toMs">>): void {
    this.#count(segment, -segment.bytes);
    Object.assign(segment, change);
    this.#count(segment, segment.bytes);
  }

  remove(segment: Segment): void {
    const segments = this.#cameras.get(segment.camera);
    const index = segments?.indexOf(segment) ?? -1;
    if (!segments || index < 0) return;
    segments.splice(index, 1);
    if (segments.length === 0) this.#cameras.delete(segment.camera);
    this.#count(segment, -segment.bytes);
  }

  /**
   * The segment to delete first when space is needed: the oldest of any camera that no event needs. If there is none, or if events'
   * segments have half of all bytes, the oldest that an event needs. Never one that is being written.
   */
  firstToGo(maxBytes: number): Segment | undefined {
    const oldest = (wanted: boolean) => {
      const first = [...this.#cameras.values()].flatMap(
        (segments) =>
          segments.find(({ kind, toMs }) => (kind === "event") === wanted && toMs !== undefined) ?? [],
      );
      return first.sort(byTime)[0];
    };
    const wanted = () => oldest(true);
    const others = () => oldest(false);
    return this.#eventBytes > eventShare * maxBytes ? (wanted() ?? others()) : (others() ?? wanted());
  }

  #count({ camera, kind }: Segment, bytes: number): void {
    this.#bytes += bytes;
    this.#cameraBytes.set(camera, this.bytesOf(camera) + bytes);
    if (this.bytesOf(camera) === 0) this.#cameraBytes.delete(camera);
    if (kind === "event") this.#eventBytes += bytes;
  }
}
