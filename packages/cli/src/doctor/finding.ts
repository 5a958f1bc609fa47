/** What doctor has to say about one thing. */
export interface Finding {
  name: string;
  /** missing: something does not work without it; warning: it soon may not; absent: only what `detail` says is not available. */
  state: "ok" | "missing" | "warning" | "absent";
  /** What was found, or what it is needed for. */
  detail: string;
  /** A command that puts it right. */
  fix?: string;
}
