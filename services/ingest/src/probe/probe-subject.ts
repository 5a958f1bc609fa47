import { headers, type Msg, type Subscription } from "@nats-io/transport-node";
import {
  CameraReason,
  decodeJson,
  type ProbeRequest,
  probeHeader,
  probeQueue,
  probeRequestSchema,
  subjects,
  WireError,
} from "@sightline/contracts";
import { type Logger, type Nats, TaskLimit, TaskLimitError } from "@sightline/service";
import { type CameraTrial, failed, type TrialOptions, tryCamera } from "./try-camera.ts";

/** Each runs an ffmpeg for some seconds. Requests do not queue: the requester would have given up. */
const mostRunning = 4;

/** The outcome of a request. */
export type ProbeOutcome = "ok" | "failed" | "busy";

/** Answers requests to probe a camera; any ingest may answer. */
export class ProbeSubject {
  readonly #options: Omit<TrialOptions, "signal">;
  readonly #observe: (outcome: ProbeOutcome) => void;
  readonly #log: Logger;
  readonly #limit = new TaskLimit(mostRunning, 0);
  readonly #subscription: Subscription;
  readonly #stopping = new AbortController();
  readonly #answering = new Set<Promise<void>>();

  constructor(
    nats: Nats,
    options: Omit<TrialOptions, "signal">,
    observe: (outcome: ProbeOutcome) => void,
    log: Logger,
  ) {
    this.#options = options;
    this.#observe = observe;
    this.#log = log;
    this.#subscription = nats.connection.subscribe(subjects.cameraProbe, {
      queue: probeQueue,
      callback: (error, message) => {
        if (error) return;
        const answering = this.#answer(message).finally(() => this.#answering.delete(answering));
        this.#answering.add(answering);
      },
    });
  }

  async stop(): Promise<void> {
    this.#subscription.unsubscribe();
    this.#stopping.abort();
    await Promise.all(this.#answering);
  }

  async #answer(message: Msg): Promise<void> {
    const { answer, jpeg } = await this.#trial(message.data);
    const head = headers();
    head.set(probeHeader, JSON.stringify(answer));
    message.respond(jpeg, { headers: head });
  }

  async #trial(data: Uint8Array): Promise<CameraTrial> {
    let outcome: ProbeOutcome = "failed";
    try {
      const request: ProbeRequest = decodeJson(probeRequestSchema, data);
      const { signal } = this.#stopping;
      const trial = await this.#limit.run(() => tryCamera(request, { ...this.#options, signal }));
      if (trial.answer.ok) outcome = "ok";
      return trial;
    } catch (error) {
      if (error instanceof TaskLimitError) {
        outcome = "busy";
        return failed(CameraReason.INTERNAL, "too many cameras are tried out at a time; try again");
      }
      if (error instanceof WireError)
        return failed(CameraReason.INTERNAL, `the request cannot be read: ${error.message}`);
      if (this.#stopping.signal.aborted)
        return failed(CameraReason.INTERNAL, "this ingest is stopping; try again");
      // Without the error's text: it may contain the address.
      this.#log.error({ error: (error as Error).name }, "a camera could not be probed");
      return failed(CameraReason.INTERNAL, "the camera could not be probed; ingest's log says more");
    } finally {
      this.#observe(outcome);
    }
  }
}
