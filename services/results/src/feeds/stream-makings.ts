import { setTimeout as delay } from "node:timers/promises";
import type { KV } from "@nats-io/kv";
import { encodeJson } from "@sightline/contracts";
import { isJetStreamFailure, type Logger } from "@sightline/service";
import { z } from "zod";
import type { StreamIdentity } from "./cursor.ts";

/** More makings of a stream are not remembered; the oldest are forgotten first. */
const mostMakings = 256;
const retryMs = 250;
const storedSchema = z.array(z.string());

/**
 * Which makings of its streams this system has had. A stream that was damaged or deleted is made anew; a cursor of the one
 * before is told so from one of another system.
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

  /** Whether a stream of this system is, or once was, of this making. */
  knows(stream: string, identity: StreamIdentity): boolean {
    return this.#known.get(stream)?.has(identity.toString("hex")) ?? false;
  }

  /** Calls `listener` when a stream was made anew. */
  onRemade(listener: () => void): void {
    this.#listeners.add(listener);
  }

  /** The stream is of this making now. It is tried until it is stored. */
  note(stream: string, identity: StreamIdentity): void {
    const before = this.#known.get(stream);
    const making = identity.toString("hex");
    if (before?.has(making)) return;
    this.#known.set(stream, new Set([...(before ?? []), making]));
    const noting = (this.#noting.get(stream) ?? Promise.resolve()).then(() => this.#store(stream));
    this.#noting.set(stream, noting);
    if (before) for (const listener of this.#listeners) listener();
  }

  /** Resolves when what is stored of the makings noted so far is known. */
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
