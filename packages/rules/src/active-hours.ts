import type { ActiveHours } from "@sightline/contracts";

const minutesOfDay = 24 * 60;

/** "HH:MM" → minutes after midnight, up to 24:00; undefined when the text is not such a time. */
export function minuteOfDay(text: string): number | undefined {
  const match = /^([01]\d|2[0-4]):([0-5]\d)$/.exec(text);
  if (match === null) return undefined;
  const minutes = Number(match[1]) * 60 + Number(match[2]);
  return minutes <= minutesOfDay ? minutes : undefined;
}

/** Whether this is a time zone: an IANA name that the runtime knows, or empty for UTC. */
export function isTimeZone(name: string): boolean {
  try {
    clockOf(name);
    return true;
  } catch {
    return false;
  }
}

/** When a rule applies, by the wall clock of its time zone. A span may pass midnight, and clock changes are handled. */
export class ActiveSpan {
  readonly #days: ReadonlySet<number>;
  readonly #start: number;
  readonly #end: number;
  readonly #clock: Intl.DateTimeFormat;
  #minute = Number.NaN;
  #active = false;

  /** @param hours checked: see `checkRules` */
  constructor(hours: ActiveHours) {
    this.#days = new Set(hours.days.length === 0 ? [1, 2, 3, 4, 5, 6, 7] : hours.days);
    this.#start = minuteOfDay(hours.start) ?? 0;
    this.#end = minuteOfDay(hours.end) ?? minutesOfDay;
    this.#clock = clockOf(hours.timeZone);
  }

  /** @param unixSeconds wall clock */
  contains(unixSeconds: number): boolean {
    const minute = Math.floor(unixSeconds / 60);
    if (minute !== this.#minute) {
      this.#minute = minute;
      this.#active = this.#containsMinute(minute);
    }
    return this.#active;
  }

  #containsMinute(minute: number): boolean {
    const { day, minuteOfDay } = localTime(this.#clock, minute);
    if (this.#start < this.#end) {
      return this.#days.has(day) && minuteOfDay >= this.#start && minuteOfDay < this.#end;
    }
    if (minuteOfDay >= this.#start) return this.#days.has(day);
    // After midnight, in a span that began the day before.
    return minuteOfDay < this.#end && this.#days.has(day === 1 ? 7 : day - 1);
  }
}

const dayNames = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

/** Day of the week (1 is Monday) and minute on the wall clock. */
function localTime(clock: Intl.DateTimeFormat, unixMinute: number): { day: number; minuteOfDay: number } {
  const parts = clock.formatToParts(unixMinute * 60_000);
  const part = (type: string) => parts.find((candidate) => candidate.type === type)?.value ?? "";
  return {
    day: dayNames.indexOf(part("weekday")) + 1,
    minuteOfDay: Number(part("hour")) * 60 + Number(part("minute")),
  };
}

const clocks = new Map<string, Intl.DateTimeFormat>();
/** More than the number of time zones; names come from outside, in any mix of upper and lower case. */
const maxClocks = 1000;

/**
 * Creating a formatter is slow, so there is one per time zone.
 * @throws {RangeError} the time zone does not exist
 */
function clockOf(timeZone: string): Intl.DateTimeFormat {
  const known = clocks.get(timeZone);
  if (known !== undefined) return known;
  const clock = new Intl.DateTimeFormat("en-US", {
    timeZone: timeZone === "" ? "UTC" : timeZone,
    weekday: "short",
    hour: "2-digit",
    minute: "2-digit",
    hourCycle: "h23",
  });
  if (clocks.size >= maxClocks) clocks.clear();
  clocks.set(timeZone, clock);
  return clock;
}
