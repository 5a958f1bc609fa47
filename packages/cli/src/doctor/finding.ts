/** One result of doctor. */
export interface Finding {
  name: string;
  /** missing: something does not work without it; warning: something may soon fail; absent: only what `detail` says is unavailable. */
  state: "ok" | "missing" | "warning" | "absent";
  /** What was found, or what it is needed for. */
  detail: string;
  /** A command that fixes it. */
  fix?: string;
}
