import { BoundedMap } from "@sightline/contracts/bounded-map";
import type { PictureTime } from "./capture-times.ts";

/** More pieces than a player keeps of its video. */
const mostPieces = 60;
/** Players give times in fractions of a millisecond. */
const toleranceSeconds = 0.004;
/** The last picture of a piece is shown for at most this long. */
const mostShownSeconds = 2;

/** Capture times of the pictures in a player, piece by piece of its video as it is loaded. */
export class ShownTimes {
  /** By the player's number for the piece; each list is ordered by time. */
  readonly #pieces = new BoundedMap<number, readonly PictureTime[]>(mostPieces);
  #onChange: () => void = () => undefined;

  /** Calls `listener`, and no earlier listener, when more is known. */
  listen(listener: () => void): void {
    this.#onChange = listener;
  }

  /** Sets a piece's pictures, with seconds of the player's own clock. */
  set(piece: number, pictures: readonly PictureTime[]): void {
    if (pictures.length > 0) this.#pieces.set(piece, pictures);
    else this.#pieces.delete(piece);
    this.#onChange();
  }

  clear(): void {
    this.#pieces.clear();
    this.#onChange();
  }

  /** The capture time of the picture at a time of the player; undefined if unknown. */
  captureMsAt(seconds: number): number | undefined {
    const at = seconds + toleranceSeconds;
    let found: PictureTime | undefined;
    for (const pictures of this.#pieces.values()) {
      const picture = lastUpTo(pictures, at);
      if (picture && (!found || picture.seconds > found.seconds)) found = picture;
    }
    return found && at - found.seconds <= mostShownSeconds ? found.captureMs : undefined;
  }
}

function lastUpTo(pictures: readonly PictureTime[], seconds: number): PictureTime | undefined {
  let [from, to] = [0, pictures.length];
  while (from < to) {
    const middle = (from + to) >> 1;
    if (pictures[middle]!.seconds <= seconds) from = middle + 1;
    else to = middle;
  }
  return pictures[from - 1];
}
