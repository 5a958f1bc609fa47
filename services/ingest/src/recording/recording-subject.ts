import { networkInterfaces } from "node:os";
import type { Msg, Subscription } from "@nats-io/transport-node";
import {
  decodeJson,
  encodeJson,
  type RecordedSpan,
  type RecordingsAnswer,
  recordingsRequestSchema,
  subjects,
  WireError,
} from "@sightline/contracts";
import type { Segment } from "@sightline/recording";
import { type Logger, type Nats, splitAddress } from "@sightline/service";
import type { RecordingsOnDisk } from "./recordings.ts";

/** Which process answers, and where its recordings are fetched. */
export type RecordingHolder = Pick<RecordingsAnswer, "ingest" | "url" | "token">;

/** Answers what this process has recorded of a camera, and where to fetch it. */
export class RecordingSubject {
  readonly #recordings: RecordingsOnDisk;
  readonly #holder: RecordingHolder;
  readonly #log: Logger;
  readonly #subscription: Subscription;

  constructor(nats: Nats, recordings: RecordingsOnDisk, holder: RecordingHolder, log: Logger) {
    this.#recordings = recordings;
    this.#holder = holder;
    this.#log = log;
    this.#subscription = nats.connection.subscribe(subjects.recordingsFind("*"), {
      callback: (error, message) => {
        if (!error) this.#answer(message);
      },
    });
  }

  async stop(): Promise<void> {
    this.#subscription.unsubscribe();
  }

  #answer(message: Msg): void {
    try {
      const { fromMs, toMs } = decodeJson(recordingsRequestSchema, message.data);
      const camera = message.subject.split(".").at(-1) ?? "";
      const { preRollMs, postRollMs } = this.#recordings.options;
      const spans = spansOf(this.#recordings.folder?.index.find(camera, fromMs, toMs) ?? []);
      const answer: RecordingsAnswer = { ...this.#holder, spans, preRollMs, postRollMs };
      message.respond(encodeJson(answer));
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      this.#log.warn({ subject: message.subject, err: error }, "a request cannot be read; it is ignored");
    }
  }
}

/** The address at which other hosts reach a server that listens here. */
export function reachableUrl(listening: string): string {
  const { host, port } = splitAddress(listening);
  const everywhere = host === "0.0.0.0" || host === "::";
  const own = everywhere
    ? Object.values(networkInterfaces())
        .flatMap((addresses) => addresses ?? [])
        .find(({ internal, family }) => !internal && family === "IPv4")?.address
    : host;
  const reachable = own ?? "127.0.0.1";
  return `http://${reachable.includes(":") ? `[${reachable}]` : reachable}:${port}`;
}

/** A gap between two segments that is no longer than this does not count as a gap. */
const mostPauseMs = 1_500;

/** The ranges without gaps that these segments form; segments are in order of time. */
function spansOf(segments: readonly Segment[]): RecordedSpan[] {
  const spans: RecordedSpan[] = [];
  for (const segment of segments) {
    const { fromMs, endMs: toMs, width, height, audio, kind } = segment;
    const span = {
      ...{ fromMs, toMs, codec: segment.codec.toLowerCase(), width, height },
      ...{ audio, eventsOnly: kind !== "continuous" },
    };
    const last = spans.at(-1);
    const goesOn =
      last &&
      span.fromMs - last.toMs <= mostPauseMs &&
      (["codec", "width", "height", "audio", "eventsOnly"] as const).every((key) => last[key] === span[key]);
    if (goesOn) last.toMs = Math.max(last.toMs, toMs);
    else spans.push(span);
  }
  return spans;
}
