// As on the charts' axes, and in as little room.
const hourCycle = "h23";
const clock = new Intl.DateTimeFormat(undefined, {
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
  hourCycle,
});
const day = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short" });
const full = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium", hourCycle });

/** A time of today as clock time, an older one with its day. */
export function formatTime(iso: string): string {
  const time = new Date(iso);
  const today = time.toDateString() === new Date().toDateString();
  return today ? clock.format(time) : `${day.format(time)} ${clock.format(time)}`;
}

/** Day and clock time: where a list may be read tomorrow, or sent. */
export function formatDayTime(iso: string): string {
  const time = new Date(iso);
  return `${day.format(time)} ${clock.format(time)}`;
}

export function formatFullTime(iso: string): string {
  return full.format(new Date(iso));
}
