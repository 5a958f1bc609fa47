/** `worker_error` as people write it: "worker error". */
export function words(name: string): string {
  return name.replaceAll("_", " ");
}

/** As `words`, for the beginning of a line. */
export function title(name: string): string {
  const text = words(name);
  return text.charAt(0).toUpperCase() + text.slice(1);
}

const stateNames = { pending: "waiting", connecting: "connecting", live: "live", down: "down" } as const;

/** What a camera does, in a word. */
export function stateName(state: keyof typeof stateNames): string {
  return stateNames[state];
}
