/** A time in UTC, to the tenth of a second, as `--from` and `--to` take it. */
export function recordingTime(time: Date): string {
  return `${time.toISOString().slice(0, 21)}Z`;
}
