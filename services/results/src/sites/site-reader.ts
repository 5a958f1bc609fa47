import { setTimeout as delay } from "node:timers/promises";
import type { JetStreamClient, JetStreamManager, JsMsg } from "@nats-io/jetstream";
import type { KV } from "@nats-io/kv";
import { decodeJson, encodeJson } from "@sightline/contracts";
import {
  findLoss,
  type Logger,
  placeAfter,
  type StreamPlace,
  StreamRead,
  streamMaking,
} from "@sightline/service";
import { z } from "zod";
import { UncopiableError } from "./copy-event.ts";

const retryMs = 1_000;
/** A link that has been silent for twice this long is taken for cut. */
const heartbeatMs = 2_000;
/** Messages that are copied before it is stored how far reading has come. */
const storeEvery = 100;

const placeSchema = z.object({ making: z.string(), sequence: z.int().min(0), time: z.string() });

/** JetStream of a site, as the centre reaches it over the site's leaf node: by the domain, which is the site's name. */
export interface SiteJetStream {
  site: string;
  jetstream: JetStreamClient;
  manager: JetStreamManager;
}

/**
 * Reads a stream of a site, in order, and goes on where it was however long the link was cut: the place is kept at the centre. After a
 * fault some messages are read again, so `copy` must leave what is there.
 */
export class SiteReader {
  readonly #remote: SiteJetStream;
  readonly #stream: string;
  readonly #filter: string | undefined;
  readonly #copy: (message: JsMsg) => Promise<void>;
  readonly #places: KV;
  readonly #log: Logger;
  readonly #stopped = new AbortController();
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
    this.#log = log;
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
      await this.#readUntilLost().catch((error: Error) =>
        this.#log.debug(
          { site: this.#remote.site, stream: this.#stream, err: error },
          "a site cannot be read now; trying again",
        ),
      );
      await delay(retryMs, undefined, { signal }).catch(() => undefined);
    }
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
    };
    let unstored = 0;
    for await (const message of await StreamRead.open(
      jetstream,
      this.#stream,
      options,
      this.#stopped.signal,
    )) {
      await this.#copyOrPassOver(message);
      place = placeAfter(message);
      if (++unstored < storeEvery && message.info.pending > 0) continue;
      await this.#store(making, place);
      unstored = 0;
    }
  }

  async #copyOrPassOver(message: JsMsg): Promise<void> {
    try {
      await this.#copy(message);
    } catch (error) {
      if (!(error instanceof UncopiableError)) throw error;
      const { site } = this.#remote;
      this.#log.error({ site, subject: message.subject, err: error }, "something of a site is passed over");
    }
  }

  get #key(): string {
    return `${this.#remote.site}.${this.#stream}`;
  }

  /** A stream that was made anew begins anew; what of it is here already is left. */
  async #place(making: string): Promise<StreamPlace> {
    const entry = await this.#places.get(this.#key);
    const known = entry?.operation === "PUT" ? decodeJson(placeSchema, entry.value) : undefined;
    if (known?.making !== making) return { sequence: 0, time: 0n };
    return { sequence: known.sequence, time: BigInt(known.time) };
  }

  async #store(making: string, { sequence, time }: StreamPlace): Promise<void> {
    await this.#places.put(this.#key, encodeJson({ making, sequence, time: String(time) }));
  }
}
