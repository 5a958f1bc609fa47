import { describe, expect, it } from "vitest";
import { ActiveSpan, isTimeZone, minuteOfDay } from "./active-hours.ts";

function span(hours: { days?: number[]; start: string; end: string; timeZone?: string }): ActiveSpan {
  return new ActiveSpan({ days: [], timeZone: "", ...hours });
}
const contains = (of: ActiveSpan, iso: string) => of.contains(Date.parse(iso) / 1000);

describe("active hours", () => {
  it("begin with their start and end before their end", () => {
    const day = span({ start: "08:00", end: "17:30" });
    expect(contains(day, "2026-01-05T07:59:59.999Z")).toBe(false);
    expect(contains(day, "2026-01-05T08:00:00Z")).toBe(true);
    expect(contains(day, "2026-01-05T17:29:59Z")).toBe(true);
    expect(contains(day, "2026-01-05T17:30:00Z")).toBe(false);
  });

  it("go over midnight, as a part of the day that they began on", () => {
    // 2026-01-09 is a Friday.
    const friday = span({ days: [5], start: "22:00", end: "06:00" });
    expect(contains(friday, "2026-01-09T05:00:00Z")).toBe(false);
    expect(contains(friday, "2026-01-09T22:00:00Z")).toBe(true);
    expect(contains(friday, "2026-01-10T05:59:00Z")).toBe(true);
    expect(contains(friday, "2026-01-10T06:00:00Z")).toBe(false);
    expect(contains(friday, "2026-01-10T22:00:00Z")).toBe(false);
    const sunday = span({ days: [7], start: "22:00", end: "06:00" });
    expect(contains(sunday, "2026-01-12T03:00:00Z")).toBe(true);
  });

  it("can be whole days", () => {
    const weekend = span({ days: [6, 7], start: "00:00", end: "24:00", timeZone: "America/New_York" });
    expect(contains(weekend, "2026-01-10T04:59:00Z")).toBe(false);
    expect(contains(weekend, "2026-01-10T05:00:00Z")).toBe(true);
    expect(contains(weekend, "2026-01-12T04:59:00Z")).toBe(true);
    expect(contains(weekend, "2026-01-12T05:00:00Z")).toBe(false);
  });

  it("follow the clock on the wall when it is put forward and back", () => {
    const night = span({ start: "02:30", end: "04:00", timeZone: "Europe/Berlin" });
    // On 2026-03-29 at 02:00 (01:00 UTC) it becomes 03:00; half past two never comes.
    expect(contains(night, "2026-03-29T00:59:00Z")).toBe(false);
    expect(contains(night, "2026-03-29T01:00:00Z")).toBe(true);
    expect(contains(night, "2026-03-29T02:00:00Z")).toBe(false);
    // On 2026-10-25 at 03:00 (01:00 UTC) it becomes 02:00 again; half past two comes twice.
    expect(contains(night, "2026-10-25T00:29:00Z")).toBe(false);
    expect(contains(night, "2026-10-25T00:30:00Z")).toBe(true);
    expect(contains(night, "2026-10-25T01:15:00Z")).toBe(false);
    expect(contains(night, "2026-10-25T01:30:00Z")).toBe(true);
    expect(contains(night, "2026-10-25T03:00:00Z")).toBe(false);
  });

  it("know time zones that are not whole hours", () => {
    const morning = span({ start: "08:00", end: "09:00", timeZone: "Asia/Kolkata" });
    expect(contains(morning, "2026-01-05T02:29:00Z")).toBe(false);
    expect(contains(morning, "2026-01-05T02:30:00Z")).toBe(true);
  });

  it("do not depend on what was asked before", () => {
    const day = span({ start: "08:00", end: "09:00" });
    const times = [
      "2026-01-05T08:30:00Z",
      "2026-01-05T07:30:00Z",
      "2026-01-05T08:30:59Z",
      "1969-12-31T08:30:00Z",
    ];
    expect(times.map((time) => contains(day, time))).toEqual([true, false, true, true]);
  });
});

describe("a time of day", () => {
  it("is from 00:00 to 24:00", () => {
    expect(minuteOfDay("00:00")).toBe(0);
    expect(minuteOfDay("23:59")).toBe(1439);
    expect(minuteOfDay("24:00")).toBe(1440);
    for (const text of ["24:01", "25:00", "8:00", "08:60", "08:00:00", "", "ab:cd", " 08:00"]) {
      expect(minuteOfDay(text)).toBeUndefined();
    }
  });
});

describe("a time zone", () => {
  it("is one that the runtime knows, or none", () => {
    expect(["", "UTC", "Europe/Berlin"].every(isTimeZone)).toBe(true);
    expect(["Mars/Olympus", "Berlin", " "].some(isTimeZone)).toBe(false);
  });
});
