import { DropReason } from "./gen/sightline/v1/frame.ts";

const named = Object.entries(DropReason).filter(([, value]) => value !== DropReason.UNSPECIFIED);

/** Every reason a frame can be dropped for, in the order of the enum. */
export const dropReasons: readonly DropReason[] = named.map(([, value]) => value);

/** Name of a reason in metrics and output: `sampled_out`, `superseded`, … */
export function dropReasonLabel(reason: DropReason): string {
  return named.find(([, value]) => value === reason)?.[0].toLowerCase() ?? "unspecified";
}
