/** Reads its clocks on each request; the request has the time stamp whose age is wanted. */
import { wallAgeMs, wallClockMs } from "../clock.ts";

export interface ClockReading {
  /** Milliseconds since 1970 by wallClockMs(). */
  wall: number;
  /** By Date.now(), before and after the other clocks were read: the process may have waited for a processor in between. */
  system: [before: number, after: number];
  /** By the process's monotonic clock since its start, likewise. */
  monotonic: [before: number, after: number];
  /** Of the requested time stamp. */
  age: number;
}

process.on("message", (stamp: number) => {
  const began = { system: Date.now(), monotonic: performance.now() };
  const age = wallAgeMs(stamp);
  const wall = wallClockMs();
  const reading: ClockReading = {
    wall,
    system: [began.system, Date.now()],
    monotonic: [began.monotonic, performance.now()],
    age,
  };
  process.send!(reading);
});
