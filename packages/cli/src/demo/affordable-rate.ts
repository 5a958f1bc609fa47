import { setTimeout as delay } from "node:timers/promises";
import type { SightlineClient } from "@sightline/client";
import { type Camera, CameraState } from "@sightline/contracts";

/** A camera's rates cover the last 5 s. */
const windowMs = 5_000;
const patienceMs = 30_000;
/** Below this share, more frames are missing than those still in flight. */
const keptUp = 0.95;
/** The rest is reserve for moments when the machine does something else. */
const headroom = 0.9;

/** How this machine handled the cameras at their own rates. */
export interface AffordableRate {
  /** Frames per second inferred, over all cameras. */
  inferredFps: number;
  /** Frame rate that each camera may have; undefined when all their frames are inferred. */
  perCamera: number | undefined;
}

/**
 * Lets the cameras run at their own rates for some seconds, and returns how many frames per second of each the machine can infer. Cameras
 * that are not live within half a minute are ignored. @throws the client's errors; also when aborted
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
