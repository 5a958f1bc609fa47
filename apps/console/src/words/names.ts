import type { HttpCamera, HttpCameraStatus, HttpFinding } from "@sightline/contracts";

/** `worker_error` as people write it: "worker error". */
export function words(name: string): string {
  return name.replaceAll("_", " ");
}

/** Like `words`, for the beginning of a line. */
export function title(name: string): string {
  const text = words(name);
  return text.charAt(0).toUpperCase() + text.slice(1);
}

const stateNames = { pending: "waiting", connecting: "connecting", live: "live", down: "down" } as const;

/** A camera's state, in a word. */
export function stateName({ state, reason }: Pick<HttpCameraStatus, "state" | "reason">): string {
  return state === "live" && reason === "model_not_served" ? "not analysed" : stateNames[state];
}

/** Why a camera sends no frames, or why its frames are not analysed, in a few plain words. */
const reasonNames: Readonly<Record<string, string>> = {
  dns_failure: "host name not found",
  connection_refused: "connection refused",
  unreachable: "no answer from the camera",
  unauthorized: "unauthorized: wrong user or password",
  not_found: "no stream at this path",
  no_video: "no video in the stream",
  unsupported_codec: "video codec not supported",
  no_key_frame: "no key frame yet",
  stalled: "frames have stopped",
  decode_failure: "video cannot be decoded",
  stream_ended: "the camera ended the stream",
  protocol_error: "no stream at this address",
  model_not_served: "no worker for its model",
  address_not_allowed: "address not allowed for cameras",
  redirected: "redirects to another address",
  transport_refused: "transport refused by the camera",
  decoding_too_slow: "more video than this machine decodes",
  internal: "the ingest service failed",
};

/** A camera's reason in words; an unknown reason is shown by its name. */
export function reasonName(reason: string): string {
  return reasonNames[reason] ?? words(reason || "no reason given");
}

/** Makes the text begin with a capital and end with a full stop. */
export function sentence(text: string): string {
  const trimmed = text.trim();
  if (trimmed === "") return "";
  const capital = `${trimmed.charAt(0).toUpperCase()}${trimmed.slice(1)}`;
  return /[.!?…]$/.test(capital) ? capital : `${capital}.`;
}

/** One problem of one or more cameras. */
export interface FindingGroup {
  /** The finding of the first camera. */
  finding: HttpFinding;
  /** The cameras' ids, and the text for each. */
  cameras: { id: string; text: string }[];
}

/**
 * Groups findings of cameras by problem, in the order in which they come. The `fix` identifies the problem, since texts contain each
 * camera's figures.
 */
export function groupFindings(
  cameras: readonly Pick<HttpCamera, "id" | "findings">[],
  wanted: (findings: readonly HttpFinding[]) => readonly HttpFinding[],
): FindingGroup[] {
  const groups = new Map<string, FindingGroup>();
  for (const { id, findings } of cameras)
    for (const finding of wanted(findings)) {
      const key = `${finding.level} ${finding.fix || finding.text}`;
      const group = groups.get(key) ?? { finding, cameras: [] };
      group.cameras.push({ id, text: finding.text });
      groups.set(key, group);
    }
  return [...groups.values()];
}
