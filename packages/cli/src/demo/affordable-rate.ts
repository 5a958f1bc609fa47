import { setTimeout as delay } from "node:timers/promises";
import type { SightlineClient } from "@sightline/client";
import { type Camera, CameraState } from "@sightline/contracts";

/** A camera's rates are of the last 5 s. */
const windowMs = 5_000;
const patienceMs = 30_000;
/** Below this share, what is not inferred is more than the frames on their way. */
const keptUp = 0.95;
/** What is left free for a moment when the machine does something else. */
const headroom = 0.9;

/** What this machine made of the cameras at their own rates. */
export interface AffordableRate {
  /** Frames per second inferred, by all cameras together. */
  inferredFps: number;
  /** Frames per second that each camera may give; undefined when all of theirs are inferred. */
  perCamera: number | undefined;
}

/**
 * Lets the cameras run at their own rates for some seconds, and says how many frames a second of each the machine can infer.
 * Cameras that do not become live within half a minute are not waited for. @throws what the client throws; when aborted
 */
export async function measureAffordableRate(
  client: SightlineClient,
  signal: AbortSignal,
): Promise<AffordableRate> {
  const deadline = performance.now() + patienceMs;
  const list = () => Array.fromAsync(client.cameras.list({ signal }));
  while (performance.now() < deadline && !(await list()).every(isGoing))
    await delay(200, undefined, { signal });
  await delay(windowMs, undefined, { signal });
  return affordableRate(await list());
}

export function affordableRate(cameras: readonly Pick<Camera, "status">[]): AffordableRate {
  const sum = (of: "captureFps" | "inferenceFps") =>
    cameras.reduce((total, { status }) => total + (status?.[of] ?? 0), 0);
  const [captured, inferred] = [sum("captureFps"), sum("inferenceFps")];
  if (inferred >= keptUp * captured) return { inferredFps: inferred, perCamera: undefined };
  const each = (headroom * inferred) / cameras.length;
  const perCamera = each >= 1 ? Math.floor(each) : Math.max(0.1, Math.floor(each * 10) / 10);
  return { inferredFps: inferred, perCamera };
}

function isGoing({ status }: Camera): boolean {
  return status?.state === CameraState.LIVE && (status.inferenceFps ?? 0) > 0;
}
