import { BoundedMap } from "@sightline/contracts/bounded-map";
import type { PictureTime } from "./capture-times.ts";

/** More pieces than a player keeps of its video. */
const mostPieces = 60;
/** Players tell times in fractions of a millisecond. */
const toleranceSeconds = 0.004;
/** The last picture of a piece is shown for no longer. */
const mostShownSeconds = 2;

/** When what a player shows was captured, piece by piece of its video as it is loaded. */
export class ShownTimes {
  /** By a number that the player has for the piece; each by time. */
  readonly #pieces = new BoundedMap<number, readonly PictureTime[]>(mostPieces);
  #onChange: () => void = () => undefined;

  /** Calls `listener`, and no other, when more is known. */
  listen(listener: () => void): void {
    this.#onChange = listener;
  }

  /** Takes a piece's pictures, with the seconds of the player's own clock. */
  set(piece: number, pictures: readonly PictureTime[]): void {
    if (pictures.length > 0) this.#pieces.set(piece, pictures);
    else this.#pieces.delete(piece);
    this.#onChange();
  }

  clear(): void {
    this.#pieces.clear();
    this.#onChange();
  }

  /** The capture time of the picture that is shown at a time of the player; undefined where that is not known. */
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
