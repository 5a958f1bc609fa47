import type { JsMsg } from "@nats-io/jetstream";
import type { KV } from "@nats-io/kv";
import { decodeJson, encodeJson } from "@sightline/contracts";
import {
  findLoss,
  type Logger,
  pause,
  placeAfter,
  type StreamPlace,
  StreamRead,
  streamMaking,
} from "@sightline/service";
import { z } from "zod";
import { CameraClashError, ResultsError } from "../errors.ts";
import type { SiteJetStream } from "./camera-names.ts";
import { atCentre } from "./copy-event.ts";

const retryMs = 1_000;
/** A connection that is silent for twice this long counts as lost. */
const heartbeatMs = 2_000;
/** Messages to copy before the reading position is stored. */
const storeEvery = 100;

const placeSchema = z.object({ making: z.string(), sequence: z.int().min(0), time: z.string() });

/** The state of reading a site's stream. */
export interface ReadingState {
  /** Whether the site is being read now. */
  reading: boolean;
  /** When the site was last heard, or the reader was started, by performance.now(). */
  heardAt: number;
  /** Messages still to read; undefined while it is not read. */
  pending: number | undefined;
  /** A camera of the centre with the same name as one of the site, for which reading waits. */
  clash: string | undefined;
  /** Why the centre could not store the last message; undefined once it could. */
  failure: string | undefined;
}

/**
 * Reads a site's stream in order, and continues at its last position however long the connection was lost: the centre stores the position.
 * After a fault some messages are read again, so `copy` must ignore what already exists.
 */
export class SiteReader {
  readonly #remote: SiteJetStream;
  readonly #stream: string;
  readonly #filter: string | undefined;
  readonly #copy: (message: JsMsg) => Promise<void>;
  readonly #places: KV;
  readonly #log: Logger;
  readonly #stopped = new AbortController();
  readonly #state: ReadingState = {
    reading: false,
    heardAt: performance.now(),
    pending: undefined,
    clash: undefined,
    failure: undefined,
  };
  /** The present fault that has been logged. */
  #told: "site" | "centre" | undefined;
  #running: Promise<void> | undefined;

  constructor(
    remote: SiteJetStream,
    from: { stream: string; filter?: string },
    copy: (message: JsMsg) => Promise<void>,
    places: KV,
    log: Logger,
  ) {
    this.#remote = remote;
    this.#stream = from.stream;
    this.#filter = from.filter;
    this.#copy = copy;
    this.#places = places;
    this.#log = log.child({ site: remote.site, stream: from.stream });
  }

  get state(): Readonly<ReadingState> {
    return this.#state;
  }

  start(): void {
    this.#running ??= this.#keepReading();
  }

  async stop(): Promise<void> {
    this.#stopped.abort();
    await this.#running;
  }

  async #keepReading(): Promise<void> {
    const { signal } = this.#stopped;
    while (!signal.aborted) {
      if (!this.#waitsForCamera()) await this.#readUntilLost().catch((error: Error) => this.#tell(error));
      this.#state.reading = false;
      this.#state.pending = undefined;
      await pause(retryMs, signal);
    }
  }

  #waitsForCamera(): boolean {
    const { clash } = this.#state;
    if (clash !== undefined && this.#remote.isRegistered(clash)) return true;
    this.#state.clash = undefined;
    return false;
  }

  #tell(error: Error): void {
    if (error instanceof CameraClashError) {
      this.#state.clash = error.camera;
      this.#log.error(
        { err: error },
        `${error.message}: nothing more of the site is copied until '${error.camera}' is removed here; register it by another name`,
      );
      return;
    }
    const isCentre = (error as ResultsError).code === "centre_unavailable";
    this.#state.failure = isCentre ? error.message : undefined;
    const fault = isCentre ? "centre" : "site";
    if (this.#told === fault) return;
    this.#told = fault;
    if (isCentre)
      this.#log.error(
        { err: error },
        "what comes from a site cannot be stored here; trying again until it can",
      );
    else this.#log.warn({ err: error }, "a site cannot be read now; trying again until it can");
  }

  async #readUntilLost(): Promise<void> {
    const { manager, jetstream } = this.#remote;
    const info = await manager.streams.info(this.#stream);
    const making = streamMaking(info);
    let place = await this.#place(making);
    place = (await findLoss(manager, this.#stream, info.state, place)) ?? place;
    const options = {
      from: { after: place.sequence },
      subject: this.#filter,
      prefetch: storeEvery,
      heartbeatMs,
      onIdle: () => {
        this.#state.heardAt = performance.now();
      },
    };
    const read = await StreamRead.open(jetstream, this.#stream, options, this.#stopped.signal);
    this.#hear(read.pending);
    // If messages are still expected, this is logged after they have been stored: storing may be what failed.
    if (read.pending === 0) this.#tellRead();
    let unstored = 0;
    for await (const message of read) {
      await this.#copyOrPassOver(message);
      this.#hear(message.info.pending);
      place = placeAfter(message);
      if (++unstored < storeEvery && message.info.pending > 0) continue;
      await this.#store(making, place);
      this.#tellRead();
      unstored = 0;
    }
  }

  /** Nothing is wrong any more. */
  #tellRead(): void {
    if (this.#told) this.#log.info("a site is read again");
    this.#told = undefined;
    this.#state.failure = undefined;
  }

  #hear(pending: number): void {
    Object.assign(this.#state, { reading: true, heardAt: performance.now(), pending });
  }

  async #copyOrPassOver(message: JsMsg): Promise<void> {
    try {
      await this.#copy(message);
    } catch (error) {
      if (!(error instanceof ResultsError && error.code === "site_data_unusable")) throw error;
      this.#log.error({ subject: message.subject, err: error }, "something of a site is skipped");
    }
  }

  get #key(): string {
    return `${this.#remote.site}.${this.#stream}`;
  }

  /** A stream that was created again is read from its beginning; what is already here stays. */
  async #place(making: string): Promise<StreamPlace> {
    const entry = await atCentre(this.#places.get(this.#key));
    const known = entry?.operation === "PUT" ? decodeJson(placeSchema, entry.value) : undefined;
    if (known?.making !== making) return { sequence: 0, time: 0n };
    return { sequence: known.sequence, time: BigInt(known.time) };
  }

  async #store(making: string, { sequence, time }: StreamPlace): Promise<void> {
    await atCentre(this.#places.put(this.#key, encodeJson({ making, sequence, time: String(time) })));
  }
}
