import { type DropReason, dropReasons, type FrameLedger } from "@sightline/contracts";

/** Number of frames that are in no account because another process counts them. */
export const uncounted = 0;

/**
 * The account of one epoch of one camera. Every captured frame gets the next number and stays open until it is inferred or
 * dropped, once. So captured = inferred + dropped + open at every moment.
 */
export class Ledger {
  #counts = true;
  #captured = 0;
  #inferred = 0;
  readonly #dropped = new Map<DropReason, number>(dropReasons.map((reason) => [reason, 0]));
  readonly #open = new Set<number>();

  /** Sets whether the frames to come are counted. */
  count(isCounted: boolean): void {
    this.#counts = isCounted;
  }

  /** Enters a captured frame and returns its number: 1, 2, 3… without gaps; `uncounted` when frames are not counted. */
  capture(): number {
    if (!this.#counts) return uncounted;
    this.#captured += 1;
    this.#open.add(this.#captured);
    return this.#captured;
  }

  /** Closes a frame as inferred; false when it is not open. */
  infer(number: number): boolean {
    if (!this.#open.delete(number)) return false;
    this.#inferred += 1;
    return true;
  }

  /** Closes a frame as dropped; false when it is not open. */
  drop(number: number, reason: DropReason): boolean {
    if (!this.#open.delete(number)) return false;
    this.#dropped.set(reason, this.dropped(reason) + 1);
    return true;
  }

  /** Closes as dropped all open frames, except those whose outcome others report. */
  dropRest(reason: DropReason, isTold: (number: number) => boolean): void {
    for (const number of this.#open) if (!isTold(number)) this.drop(number, reason);
  }

  get captured(): number {
    return this.#captured;
  }

  get inferred(): number {
    return this.#inferred;
  }

  dropped(reason: DropReason): number {
    return this.#dropped.get(reason) ?? 0;
  }

  get inFlight(): number {
    return this.#open.size;
  }

  /** The account as a message; reasons that never occurred are left out. */
  snapshot(): FrameLedger {
    return {
      captured: this.#captured,
      inferred: this.#inferred,
      dropped: [...this.#dropped]
        .filter(([, count]) => count > 0)
        .map(([reason, count]) => ({ reason, count })),
      inFlight: this.#open.size,
    };
  }
}
