import type { FrameId, PictureRequest } from "@sightline/contracts";
import type { Picture } from "@sightline/service";

/** Widths that pictures are made in; a width between two of them gets the larger, so that few are made. */
const widths = [160, 320, 480, 640, 800, 960, 1280, 1600, 1920, 2560, 3840, 4096] as const;

/** Requests of one camera and width that may be under way; ingest encodes no faster for more. */
const maxUnderWay = 2;

interface Entry {
  newest: { id: FrameId; picture: Promise<Picture> } | undefined;
  underWay: number;
}

/** The width in which a picture shown `width` pixels wide is made. */
export function stepWidth(width: number): number {
  return widths.find((step) => step >= width) ?? widths[widths.length - 1]!;
}

/** Pictures of frames for many browsers: one is made once for all who want it in about the same width. */
export class SharedPictures {
  readonly #get: (camera: string, request: PictureRequest) => Promise<Picture>;
  /** Only the newest picture of each camera and width is kept, and only while it is wanted: see `retain`. */
  readonly #entries = new Map<string, Entry>();

  constructor(get: (camera: string, request: PictureRequest) => Promise<Picture>) {
    this.#get = get;
  }

  /** The picture of a frame, at least `width` wide if it is as wide; undefined when too many are under way. @throws PictureError */
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

  /** Lets go of the pictures of all other cameras. */
  retain(cameras: ReadonlySet<string>): void {
    for (const key of this.#entries.keys())
      if (!cameras.has(key.slice(0, key.indexOf("/")))) this.#entries.delete(key);
  }
}
