/** Keeps a number and its unit on one line. */
const unitSpace = "\u00a0";

/** Frames per second: a whole number from 10 on. */
export function formatFps(value: number): string {
  return value >= 9.95 || value === 0 ? String(Math.round(value)) : value.toFixed(1);
}

/** A duration in milliseconds with its unit. */
export function formatMs(value: number): string {
  if (value >= 10_000) return `${(value / 1000).toFixed(0)}${unitSpace}s`;
  if (value >= 1_000) return `${(value / 1000).toFixed(1)}${unitSpace}s`;
  return `${formatFps(value)}${unitSpace}ms`;
}

/** A share in 0..1 as per cent; a value that is almost 0 or almost 100 is not rounded to it. */
export function formatShare(value: number): string {
  const percent = value * 100;
  if (percent > 0 && percent < 0.1) return `<0.1%`;
  if (percent > 99.9 && percent < 100) return `>99.9%`;
  return `${percent >= 9.95 || percent === 0 ? Math.round(percent) : percent.toFixed(1)}%`;
}

export function formatBytes(value: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let unit = 0;
  let amount = value;
  while (amount >= 1000 && unit < units.length - 1) {
    amount /= 1000;
    unit++;
  }
  return `${unit === 0 || amount >= 9.95 ? Math.round(amount) : amount.toFixed(1)}${unitSpace}${units[unit]}`;
}

export function formatCount(value: number): string {
  return value.toLocaleString("en");
}

/** "1 camera", "3 cameras". */
export function plural(count: number, one: string, many = `${one}s`): string {
  return `${formatCount(count)} ${count === 1 ? one : many}`;
}

/** Seconds in the largest unit that fits: "45 s", "3 min", "2 h", "7 days". */
export function formatDuration(seconds: number): string {
  if (seconds < 60)
    return `${seconds < 9.95 && !Number.isInteger(seconds) ? seconds.toFixed(1) : Math.round(seconds)}${unitSpace}s`;
  if (seconds < 3600) return `${Math.round(seconds / 60)}${unitSpace}min`;
  if (seconds < 48 * 3600) return `${Math.round(seconds / 3600)}${unitSpace}h`;
  return `${Math.round(seconds / 86_400)}${unitSpace}days`;
}

// The same form as on the charts' axes, and as short.
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

/** Day and clock time: for lists that may be read another day, or shared. */
export function formatDayTime(iso: string): string {
  const time = new Date(iso);
  return `${day.format(time)} ${clock.format(time)}`;
}

export function formatFullTime(iso: string): string {
  return full.format(new Date(iso));
}
