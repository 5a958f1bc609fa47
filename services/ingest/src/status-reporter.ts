import type { KV } from "@nats-io/kv";
import { CameraReason, CameraState, CameraStatus, roundStatus } from "@sightline/contracts";
import type { LeaseEnd, Logger } from "@sightline/service";

/**
 * An unchanged status is written again after this long: a NATS server that was frozen may have put an older status in its
 * place.
 */
const againMs = 30_000;
const periodMs = 1_000;

/** The message for a camera that this process no longer holds and that another may take. */
const lastWords: Partial<Record<LeaseEnd, string>> = {
  released: "its ingest has stopped",
  "handed over": "another ingest takes it over",
};

/**
 * Writes a camera's status: at once when its state or reason changes, and every second while its numbers change. The status
 * of a live camera is written every second in any case, because its absence means that the ingest is gone.
 */
export class StatusReporter {
  readonly #kv: KV;
  readonly #camera: string;
  readonly #numbers: () => Omit<CameraStatus, "state" | "reason" | "message">;
  readonly #log: Logger;
  #timer: NodeJS.Timeout | undefined;
  #state: CameraState = CameraState.CONNECTING;
  #reason: CameraReason = CameraReason.UNSPECIFIED;
  #message = "";
  #written: Uint8Array = new Uint8Array();
  #writtenAt = Number.NEGATIVE_INFINITY;
  #writing: Promise<void> | undefined;
  #again = false;
  #stopped = false;

  constructor(
    kv: KV,
    camera: string,
    numbers: () => Omit<CameraStatus, "state" | "reason" | "message">,
    log: Logger,
  ) {
    this.#kv = kv;
    this.#camera = camera;
    this.#numbers = numbers;
    this.#log = log;
  }

  /** Starts to report. */
  start(): void {
    this.#timer = setInterval(() => this.#write(), periodMs);
    this.#write();
  }

  get state(): CameraState {
    return this.#state;
  }

  get reason(): CameraReason {
    return this.#reason;
  }

  /** Sets the state; `message` never contains a secret. */
  set(state: CameraState, reason: CameraReason = CameraReason.UNSPECIFIED, message = ""): void {
    if (state === this.#state && reason === this.#reason && message === this.#message) return;
    if (state !== this.#state || reason !== this.#reason)
      this.#log.info(
        { state: nameOf(CameraState, state), reason: nameOf(CameraReason, reason), message },
        "camera changed state",
      );
    this.#state = state;
    this.#reason = reason;
    this.#message = message;
    this.#write();
  }

  /**
   * Stops reporting. The last status says that the camera is gone or that nobody holds it, unless another holder writes its
   * own. `isPassed`: another process continues with the camera at once.
   */
  async stop(why: LeaseEnd, isPassed = false): Promise<void> {
    if (this.#stopped) return;
    clearInterval(this.#timer);
    const words = isPassed ? undefined : lastWords[why];
    if (isPassed) this.#write();
    if (words !== undefined) this.set(CameraState.PENDING, CameraReason.UNSPECIFIED, words);
    // Another process already has the camera: a write that waits for the current one would come after that process's
    // status.
    if (why === "lost") this.#stopped = true;
    while (this.#writing) await this.#writing;
    this.#stopped = true;
    if (why === "removed") await this.#kv.delete(this.#camera).catch(() => undefined);
  }

  /** One write at a time, so that an older status never replaces a newer one. */
  #write(): void {
    if (this.#stopped || !this.#timer) return;
    if (this.#writing) {
      this.#again = true;
      return;
    }
    const data = CameraStatus.encode(this.#current()).finish();
    const live = this.#state === CameraState.LIVE;
    const isKnown = performance.now() - this.#writtenAt < againMs;
    if (!live && isKnown && Buffer.compare(data, this.#written) === 0) return;
    this.#writing = this.#put(data).finally(() => {
      this.#writing = undefined;
      if (this.#again) {
        this.#again = false;
        this.#write();
      }
    });
  }

  async #put(data: Uint8Array): Promise<void> {
    try {
      await this.#kv.put(this.#camera, data);
      this.#written = data;
      this.#writtenAt = performance.now();
    } catch (error) {
      this.#log.debug({ err: error }, "the status could not be written; trying again in a second");
    }
  }

  #current(): CameraStatus {
    const standing = { state: this.#state, reason: this.#reason, message: this.#message };
    return roundStatus({ ...this.#numbers(), ...standing });
  }
}

function nameOf(values: Record<string, number>, value: number): string {
  return Object.keys(values).find((name) => values[name] === value) ?? String(value);
}
