import { type CameraStatus, dropReasons } from "@sightline/contracts";

/** Counts of frames in a time span: captured, inferred, then one for each of `dropReasons`. */
export interface LedgerSpan {
  counts: readonly number[];
  /** Milliseconds since 1970. */
  from: number;
  to: number;
}

/** A status whose counts start again is spread over at most this time; ingest writes one every second. */
const firstSpanMs = 1_000;

/** Calculates how much a camera's ledger has grown between two statuses. */
export class LedgerDifference {
  #last: { epoch: string; counts: number[]; at: number } | undefined;

  /** The growth since the last status; undefined for the first one, whose frames may be hours old. */
  next(status: CameraStatus, now: number): LedgerSpan | undefined {
    if (!status.ledger || status.epoch === "") return undefined;
    const last = this.#last;
    const counts = countsOf(status.ledger);
    this.#last = { epoch: status.epoch, counts, at: now };
    if (!last) return undefined;
    // A new epoch counts from zero, and began after the last status of the previous epoch.
    if (last.epoch !== status.epoch) return { counts, from: Math.max(last.at, now - firstSpanMs), to: now };
    const grown = counts.map((count, index) => count - (last.counts[index] ?? 0));
    return grown.some((count) => count < 0) ? undefined : { counts: grown, from: last.at, to: now };
  }
}

/** Spreads `count` over the seconds in [from, to) in proportion to their overlap: whole numbers with `count` as their sum. */
export function* spread(count: number, from: number, to: number): Generator<[second: number, count: number]> {
  const first = Math.floor(from / 1000);
  if (to <= from) {
    yield [first, count];
    return;
  }
  let given = 0;
  for (let second = first; second * 1000 < to; second++) {
    const share = (Math.min(to, (second + 1) * 1000) - from) / (to - from);
    const upToHere = Math.round(count * share);
    yield [second, upToHere - given];
    given = upToHere;
  }
}

function countsOf(ledger: NonNullable<CameraStatus["ledger"]>): number[] {
  const dropped = new Map(ledger.dropped.map(({ reason, count }) => [reason, count]));
  return [ledger.captured, ledger.inferred, ...dropReasons.map((reason) => dropped.get(reason) ?? 0)];
}
