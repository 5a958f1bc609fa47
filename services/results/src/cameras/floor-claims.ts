import { randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import type { KV } from "@nats-io/kv";
import { decodeJson, encodeJson } from "@sightline/contracts";
import { isJetStreamFailure, type Logger } from "@sightline/service";
import { z } from "zod";
import { ApiError } from "../errors.ts";

/** The bucket's only entry: this way, of two writes at the same time, the second is refused. */
const key = "claims";
/** An older claim belongs to a process that ended before it could withdraw it. */
const staleMs = 60_000;
const mostTries = 100;
const mostPauseMs = 20;

const claimSchema = z.object({
  id: z.string(),
  camera: z.string(),
  model: z.string(),
  floorFps: z.number(),
  /** When it was made, in milliseconds since 1970. */
  time: z.number(),
});
const claimsSchema = z.array(claimSchema);
type StoredClaim = z.infer<typeof claimSchema>;

/** A floor that a results process is about to store. */
export type FloorClaim = Pick<StoredClaim, "camera" | "model" | "floorFps">;

/**
 * Floors that results processes are about to promise, so that no two promise the same capacity at the same time. Each process writes its
 * floor here before storing it, with a write that is refused if another was first; then it checks again.
 */
export class FloorClaims {
  readonly #kv: KV;
  readonly #caughtUp: () => Promise<void>;
  readonly #log: Logger;

  /** `caughtUp` resolves when everything that others have stored until now is known here. */
  constructor(kv: KV, caughtUp: () => Promise<void>, log: Logger) {
    this.#kv = kv;
    this.#caughtUp = caughtUp;
    this.#log = log;
  }

  /**
   * Claims a floor if `check`, which receives the claims of others, does not throw. Returns a function that withdraws the claim, to be
   * called when the floor is stored or will not be. @throws what `check` throws; ApiError registry_unavailable
   */
  async make(
    claim: FloorClaim,
    check: (others: readonly FloorClaim[]) => void,
  ): Promise<() => Promise<void>> {
    const own: StoredClaim = { ...claim, id: randomUUID(), time: Date.now() };
    try {
      await this.#change(async (others) => {
        // After reading the claims: a claim that is missing now was either stored or given up.
        await this.#caughtUp();
        check(others);
        return [...others, own];
      });
    } catch (cause) {
      if (cause instanceof ApiError) throw cause;
      throw new ApiError(
        "registry_unavailable",
        "the promised floors cannot be read now (NATS does not answer, or too many are asked for at once); try again",
        { cause },
      );
    }
    return () =>
      this.#change(async (all) => all.filter(({ id }) => id !== own.id)).catch((error: Error) =>
        this.#log.warn({ camera: own.camera, err: error }, "a claim of a floor stays for a minute"),
      );
  }

  async #change(change: (claims: readonly StoredClaim[]) => Promise<StoredClaim[]>): Promise<void> {
    for (let tries = 1; ; tries++) {
      const entry = await this.#kv.get(key);
      const stored = entry?.operation === "PUT" ? decodeJson(claimsSchema, entry.value) : [];
      const changed = await change(stored.filter(({ time }) => Math.abs(Date.now() - time) < staleMs));
      try {
        await this.#kv.put(key, encodeJson(changed), { previousSeq: entry?.revision ?? 0 });
        return;
      } catch (error) {
        if (!isJetStreamFailure(error, "wrongLastSequence") || tries === mostTries) throw error;
        await delay(Math.random() * mostPauseMs);
      }
    }
  }
}
