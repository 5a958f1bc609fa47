/** Reads its clocks on each request; the request has the time stamp whose age is wanted. */
import { wallAgeMs, wallClockMs } from "../clock.ts";

export interface ClockReading {
  /** Milliseconds since 1970 by Date.now(), by wallClockMs(), and by the process's monotonic clock since its start. */
  system: number;
  wall: number;
  monotonic: number;
  /** Of the requested time stamp. */
  age: number;
}

process.on("message", (stamp: number) => {
  const age = wallAgeMs(stamp);
  const reading: ClockReading = {
    system: Date.now(),
    wall: wallClockMs(),
    monotonic: performance.now(),
    age,
  };
  process.send!(reading);
});
