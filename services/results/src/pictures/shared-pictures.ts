import type { FrameId, PictureRequest } from "@sightline/contracts";
import type { Picture } from "@sightline/service";

/** Widths of pictures; a width in between gets the next larger one, so that there are few different pictures. */
const widths = [160, 320, 480, 640, 800, 960, 1280, 1600, 1920, 2560, 3840, 4096] as const;

/** Most requests for one camera and width at the same time; more would not make ingest encode faster. */
const maxUnderWay = 2;

interface Entry {
  newest: { id: FrameId; picture: Promise<Picture> } | undefined;
  underWay: number;
}

/** The picture width for a display width of `width` pixels. */
export function stepWidth(width: number): number {
  return widths.find((step) => step >= width) ?? widths[widths.length - 1]!;
}

/** Pictures of frames for many browsers: each is created once for all that want about the same width. */
export class SharedPictures {
  readonly #get: (camera: string, request: PictureRequest) => Promise<Picture>;
  /** Only the newest picture of each camera and width is kept, and only while it is wanted: see `retain`. */
  readonly #entries = new Map<string, Entry>();

  constructor(get: (camera: string, request: PictureRequest) => Promise<Picture>) {
    this.#get = get;
  }

  /** The picture of a frame, at least `width` wide if the frame is; undefined when too many are in progress. @throws PictureError */
  frame(id: FrameId, width: number): Promise<Picture> | undefined {
    const maxWidth = stepWidth(width);
    const key = `${id.camera}/${maxWidth}`;
    const entry = this.#entries.get(key) ?? { newest: undefined, underWay: 0 };
    const { newest } = entry;
    if (newest && newest.id.epoch === id.epoch && newest.id.number === id.number) return newest.picture;
    if (entry.underWay >= maxUnderWay) return undefined;
    this.#entries.set(key, entry);
    entry.underWay++;
    const { epoch, number } = id;
    const picture = this.#get(id.camera, { epoch, number, maxWidth }).finally(() => entry.underWay--);
    entry.newest = { id, picture };
    return picture;
  }

  /** Drops the pictures of all other cameras. */
  retain(cameras: ReadonlySet<string>): void {
    for (const key of this.#entries.keys())
      if (!cameras.has(key.slice(0, key.indexOf("/")))) this.#entries.delete(key);
  }
}
