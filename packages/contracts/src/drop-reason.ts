import { enumName } from "./enum-name.ts";
import { DropReason } from "./gen/sightline/v1/frame.ts";

/** Every reason a frame can be dropped for, in the order of the enum. */
export const dropReasons: readonly DropReason[] = Object.values(DropReason).filter(
  (reason) => reason !== DropReason.UNSPECIFIED,
);

/** Name of a reason in metrics and output: `sampled_out`, `superseded`, … */
export function dropReasonLabel(reason: DropReason): string {
  return enumName(DropReason, reason) || "unspecified";
}
