import { CameraReason, CameraState, CameraStatus } from "@sightline/contracts";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { CameraStanding, pendingLimitMs } from "./camera-standing.ts";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

/** A camera whose status the test sets, and what has been told of it. */
function standingOf() {
  const told = vi.fn();
  let listener: (id: string) => void = () => undefined;
  let status: CameraStatus | undefined;
  const view = {
    find: () => status,
    onChange: (listen: (id: string) => void) => {
      listener = listen;
      return () => undefined;
    },
  };
  const standing = new CameraStanding(view, "front", told);
  const report = (state: CameraState, reason: CameraReason = CameraReason.UNSPECIFIED) => {
    status = CameraStatus.fromPartial({ state, reason, message: "why" });
    listener("front");
  };
  return { standing, report, told };
}

test("live is up, down is down with its reason, and connecting is neither", () => {
  const { standing, report } = standingOf();
  expect(standing.now).toBeUndefined();
  report(CameraState.LIVE);
  expect(standing.now).toEqual({ down: false });
  report(CameraState.DOWN, CameraReason.STALLED);
  expect(standing.now).toEqual({ down: true, reason: CameraReason.STALLED, message: "why" });
  report(CameraState.CONNECTING);
  expect(standing.now).toBeUndefined();
});

test("a camera that no ingest holds is down only when that lasts", () => {
  const { standing, report, told } = standingOf();
  report(CameraState.LIVE);
  report(CameraState.PENDING);
  vi.advanceTimersByTime(pendingLimitMs - 100);
  report(CameraState.PENDING);
  expect(standing.now).toBeUndefined();
  told.mockClear();
  vi.advanceTimersByTime(200);
  expect(told).toHaveBeenCalledOnce();
  expect(standing.now).toMatchObject({ down: true, message: "why" });
});

test("a camera that another ingest takes in time was never down", () => {
  const { standing, report, told } = standingOf();
  report(CameraState.PENDING);
  vi.advanceTimersByTime(pendingLimitMs / 2);
  report(CameraState.LIVE);
  told.mockClear();
  vi.advanceTimersByTime(pendingLimitMs);
  expect(told).not.toHaveBeenCalled();
  expect(standing.now).toEqual({ down: false });
  standing.stop();
});
