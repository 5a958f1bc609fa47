import type { ReadFailure } from "@sightline/frame-arena";
import { Counter, type Registry } from "prom-client";
import { LoadMeter } from "./load-meter.ts";

/** How the use of a token ended. */
export type TokenOutcome = "frame" | "void" | "unanswered" | "invalid" | "returned";

/** Metrics that do not differ by model. */
export class WorkerMetrics {
  /** Load of all models together in the last seconds. */
  readonly load = new LoadMeter();
  readonly #tokens: Counter;
  readonly #redelivered: Counter;
  readonly #received: Counter;
  readonly #unread: Counter;
  readonly #publications: Counter;

  constructor(registry: Registry) {
    const registers = [registry];
    this.#tokens = new Counter({
      name: "sightline_inference_tokens_total",
      help: "Tokens that this worker took, by outcome.",
      labelNames: ["outcome"],
      registers,
    });
    this.#redelivered = new Counter({
      name: "sightline_inference_tokens_redelivered_total",
      help: "Tokens that had been delivered before.",
      registers,
    });
    this.#received = new Counter({
      name: "sightline_inference_frames_received_total",
      help: "Frames received from ingest: as a handle of shared memory, or as bytes.",
      labelNames: ["as"],
      registers,
    });
    for (const as of ["handle", "bytes"]) this.#received.inc({ as }, 0);
    this.#unread = new Counter({
      name: "sightline_inference_frames_unread_total",
      help: "Frames that could not be read from shared memory, by reason: ingest had used the memory again (torn), or the system refused to read it (failed).",
      labelNames: ["reason"],
      registers,
    });
    for (const reason of ["torn", "failed"]) this.#unread.inc({ reason }, 0);
    this.#publications = new Counter({
      name: "sightline_inference_publications_total",
      help: "Publications of a frame's detections, by outcome.",
      labelNames: ["outcome"],
      registers,
    });
  }

  token(outcome: TokenOutcome): void {
    this.#tokens.inc({ outcome });
  }

  redelivered(): void {
    this.#redelivered.inc();
  }

  received(as: "handle" | "bytes"): void {
    this.#received.inc({ as });
  }

  readFailed(reason: ReadFailure): void {
    this.#unread.inc({ reason });
  }

  publication(outcome: string): void {
    this.#publications.inc({ outcome });
  }
}
