import type { HttpCameraStatus } from "@sightline/contracts";
import { words } from "../words/names.ts";

type Ledger = HttpCameraStatus["ledger"];

/** A share of all captured frames. */
export interface LedgerPart {
  /** Also the CSS class of its colour. */
  key: string;
  name: string;
  /** What it means, for people. */
  meaning: string;
  count: number;
  /** In tenths of a per cent; all parts add up to 1000. */
  permille: number;
}

const known: Readonly<Record<string, { key: string; name: string; meaning: string }>> = {
  sampled_out: { key: "sampled", name: "Sampled out", meaning: "Above the frames per second asked for" },
  no_motion: { key: "sampled", name: "No motion", meaning: "Nothing moved in the picture" },
  superseded: {
    key: "superseded",
    name: "Superseded",
    meaning: "A newer frame came before a worker was free",
  },
  stale: { key: "stale", name: "Stale", meaning: "Too old when a worker got it" },
  decode_error: { key: "error", name: "Decode error", meaning: "The stream's data gave no picture" },
  worker_error: { key: "error", name: "Worker error", meaning: "A worker could not analyse it" },
  worker_lost: { key: "error", name: "Worker lost", meaning: "The worker that had it never answered" },
  camera_stopped: {
    key: "stopped",
    name: "Stopped",
    meaning: "The camera was stopped or changed while it waited",
  },
};
const order = Object.keys(known);

/**
 * All captured frames by their outcome: inferred, each reason for a drop, in flight. Shares are rounded so that they add up to 100%
 * (largest remainder). Parts without frames are left out, except inferred.
 */
export function ledgerParts(ledger: Ledger): LedgerPart[] {
  const reasons = Object.entries(ledger.dropped).sort(([a], [b]) => rank(a) - rank(b));
  const parts = [
    { key: "inferred", name: "Inferred", meaning: "Analysed by the model", count: ledger.inferred },
    ...reasons.map(([reason, count]) => ({ ...(known[reason] ?? unknown(reason)), count })),
    { key: "flight", name: "In flight", meaning: "Waiting for a worker, or at one", count: ledger.inFlight },
  ];
  const accounted = parts.reduce((sum, part) => sum + part.count, 0);
  if (ledger.captured > accounted) {
    const meaning = "The account is not whole: this is a fault, please report it";
    parts.push({ key: "unaccounted", name: "Unaccounted", meaning, count: ledger.captured - accounted });
  }
  const shown = parts.filter((part) => part.count > 0 || part.key === "inferred");
  const shares = sharesOf(
    shown.map((part) => part.count),
    1000,
  );
  return shown.map((part, index) => ({ ...part, permille: shares[index] ?? 0 }));
}

/** Divides `whole` into integers in proportion to `counts`; they add up to `whole` unless all counts are 0. */
export function sharesOf(counts: readonly number[], whole: number): number[] {
  const total = counts.reduce((sum, count) => sum + count, 0);
  if (total === 0) return counts.map(() => 0);
  const exact = counts.map((count) => (count / total) * whole);
  const shares = exact.map(Math.floor);
  const missing = whole - shares.reduce((sum, share) => sum + share, 0);
  const byRemainder = exact.map((value, index) => ({ index, remainder: value - Math.floor(value) }));
  byRemainder.sort((a, b) => b.remainder - a.remainder);
  for (const { index } of byRemainder.slice(0, missing)) shares[index] = (shares[index] ?? 0) + 1;
  return shares;
}

function rank(reason: string): number {
  const at = order.indexOf(reason);
  return at < 0 ? order.length : at;
}

function unknown(reason: string) {
  const name = words(reason);
  return { key: "error", name: name.charAt(0).toUpperCase() + name.slice(1), meaning: "Dropped" };
}
