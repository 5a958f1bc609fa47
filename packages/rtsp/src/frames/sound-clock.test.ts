import { expect, test } from "vitest";
import { SoundClock } from "./sound-clock.ts";

/** A sender report (RFC 3550, 6.4.1): a time of the camera's clock in microseconds, and the track's at the same moment. */
function report(clockUs: number, timestamp: number): Buffer {
  const packet = Buffer.alloc(28);
  packet.writeUInt8(0x80, 0);
  packet.writeUInt8(200, 1);
  packet.writeUInt16BE(6, 2);
  packet.writeUInt32BE(Math.floor(clockUs / 1e6), 8);
  packet.writeUInt32BE(Math.round(((clockUs % 1e6) / 1e6) * 2 ** 32), 12);
  packet.writeUInt32BE(timestamp, 16);
  return packet;
}

/** A second of both tracks: video begins at 0, sound at 700 s of its own; each takes its time to arrive. */
function arrived(clock: SoundClock, delays = { video: 100_000, sound: 40_000 }): void {
  for (let at = 0; at < 1e6; at += 40_000) {
    // Now and then one is late.
    const late = at % 200_000 === 0 ? 60_000 : 0;
    clock.arrived("video", at, at + delays.video + late);
    clock.arrived("sound", 700e6 + at, at + delays.sound + late);
  }
}

test("until the camera tells its clocks, what arrives fastest of both is taken for simultaneous", () => {
  const clock = new SoundClock();
  expect(clock.videoTimeAt(700e6)).toBeUndefined();
  arrived(clock);
  expect(clock.videoTimeAt(700.5e6)).toBe(500_000 - 60_000);
});

test("the camera's clocks say it exactly, however long each track takes", () => {
  const clock = new SoundClock();
  arrived(clock);
  clock.report("video", report(5_000e6, 9_000), (timestamp) => (timestamp / 90_000) * 1e6);
  clock.report(
    "sound",
    report(5_000.25e6, 8_000),
    (timestamp) => 700.35e6 - 0.5e6 + (timestamp / 16_000) * 1e6,
  );
  // Video's 0.1 s is the clock's 5,000 s; sound's 700.35 s is 5,000.25 s.
  expect(clock.videoTimeAt(700.35e6)).toBeCloseTo(350_000, -1);
});

test("clocks that cannot be true are not believed, and what is no report says nothing", () => {
  const clock = new SoundClock();
  arrived(clock);
  clock.report("video", report(5_000e6, 0), () => 0);
  clock.report("sound", report(9_000e6, 0), () => 700e6);
  for (const packet of [Buffer.alloc(0), Buffer.alloc(28), report(1, 0).subarray(0, 20)])
    clock.report("sound", packet, () => 0);
  expect(clock.videoTimeAt(700.5e6)).toBe(500_000 - 60_000);
});

test("sound is not moved for a trifle, so that it goes on without a break", () => {
  const clock = new SoundClock();
  arrived(clock);
  const before = clock.videoTimeAt(700.5e6)!;
  clock.arrived("sound", 701e6, 1e6 + 20_000);
  expect(clock.videoTimeAt(700.5e6)).toBe(before);
  clock.arrived("sound", 701.04e6, 1.04e6 - 90_000);
  expect(clock.videoTimeAt(700.5e6)).toBe(before - 130_000);
});
