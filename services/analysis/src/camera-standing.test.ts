import { CameraReason, CameraState, CameraStatus } from "@sightline/contracts";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { CameraStanding, pendingLimitMs, settleLimitMs } from "./camera-standing.ts";

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
  const report = (
    state: CameraState,
    reason: CameraReason = CameraReason.UNSPECIFIED,
    more: Partial<CameraStatus> = {},
  ) => {
    status = CameraStatus.fromPartial({ state, reason, message: "why", ...more });
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

test("a camera is down once its frames are through, which is not waited for for ever", () => {
  const { standing, report, told } = standingOf();
  const ledger = { captured: 9, inferred: 7, dropped: [], inFlight: 2 };
  const lastFrameTime = { seconds: 7, nanos: 0 };
  report(CameraState.DOWN, CameraReason.STALLED, { ledger, lastFrameTime });
  expect(standing.now).toBeUndefined();
  report(CameraState.DOWN, CameraReason.STALLED, { ledger: { ...ledger, inFlight: 0 }, lastFrameTime });
  expect(standing.now).toMatchObject({ down: true, framesEnd: lastFrameTime });
  report(CameraState.LIVE);
  report(CameraState.DOWN, CameraReason.STALLED, { ledger });
  told.mockClear();
  vi.advanceTimersByTime(settleLimitMs + 2);
  expect(told).toHaveBeenCalledOnce();
  expect(standing.now).toMatchObject({ down: true });
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
