import { setTimeout as delay } from "node:timers/promises";
import type { KV } from "@nats-io/kv";
import { encodeJson } from "@sightline/contracts";
import { isJetStreamFailure, type Logger } from "@sightline/service";
import { z } from "zod";
import type { StreamIdentity } from "./cursor.ts";

/** Most remembered creations of a stream; the oldest are forgotten first. */
const mostMakings = 256;
const retryMs = 250;
const storedSchema = z.array(z.string());

/**
 * The creations of its streams that this system has had. A damaged or deleted stream is created again; with this, a cursor of the previous
 * one can be told from one of another system.
 */
export class StreamMakings {
  readonly #kv: KV;
  readonly #log: Logger;
  readonly #known = new Map<string, Set<string>>();
  readonly #listeners = new Set<() => void>();
  readonly #noting = new Map<string, Promise<void>>();
  #stopped = false;

  constructor(kv: KV, log: Logger) {
    this.#kv = kv;
    this.#log = log;
  }

  /** Whether this identity is, or once was, that of a stream of this system. */
  knows(stream: string, identity: StreamIdentity): boolean {
    return this.#known.get(stream)?.has(identity.toString("hex")) ?? false;
  }

  /** Calls `listener` when a stream was created again. */
  onRemade(listener: () => void): void {
    this.#listeners.add(listener);
  }

  /** The stream now has this identity. Storing it is retried until it succeeds. */
  note(stream: string, identity: StreamIdentity): void {
    const before = this.#known.get(stream);
    const making = identity.toString("hex");
    if (before?.has(making)) return;
    this.#known.set(stream, new Set([...(before ?? []), making]));
    const noting = (this.#noting.get(stream) ?? Promise.resolve()).then(() => this.#store(stream));
    this.#noting.set(stream, noting);
    if (before) for (const listener of this.#listeners) listener();
  }

  /** Resolves when the stored identities of all streams noted so far are known. */
  async settled(): Promise<void> {
    await Promise.all(this.#noting.values());
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.settled();
  }

  async #store(stream: string): Promise<void> {
    while (!this.#stopped)
      try {
        const entry = await this.#kv.get(stream);
        const stored = entry?.operation === "PUT" ? read(entry.value) : [];
        const known = this.#known.get(stream) ?? new Set();
        const all = [...new Set([...stored, ...known])].slice(-mostMakings);
        this.#known.set(stream, new Set(all));
        if (all.length === stored.length) return;
        await this.#kv.put(stream, encodeJson(all), { previousSeq: entry?.revision ?? 0 });
        return;
      } catch (error) {
        if (!isJetStreamFailure(error, "wrongLastSequence"))
          this.#log.debug({ stream, err: error }, "makings not stored yet; trying again");
        await delay(retryMs);
      }
  }
}

function read(data: Uint8Array): string[] {
  try {
    return storedSchema.parse(JSON.parse(new TextDecoder().decode(data)));
  } catch {
    return [];
  }
}
