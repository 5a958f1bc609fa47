import { randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import type { KV } from "@nats-io/kv";
import { decodeJson, encodeJson } from "@sightline/contracts";
import { isJetStreamFailure, type Logger } from "@sightline/service";
import { z } from "zod";
import { ApiError } from "../grpc/errors.ts";

/** The one entry of the bucket: only so is the second of two that write at once refused. */
const key = "claims";
/** A claim that is older is of a process that ended before it could take it back. */
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
 * What results processes are about to promise, so that none promises what another does at the same time: each writes down its floor before
 * it stores it, by a write that is refused when another was there first, and then looks again.
 */
export class FloorClaims {
  readonly #kv: KV;
  readonly #caughtUp: () => Promise<void>;
  readonly #log: Logger;

  /** `caughtUp` resolves when all that others have stored until now can be seen. */
  constructor(kv: KV, caughtUp: () => Promise<void>, log: Logger) {
    this.#kv = kv;
    this.#caughtUp = caughtUp;
    this.#log = log;
  }

  /**
   * Claims a floor if `check`, which is given what others claim, does not throw. Returns what takes the claim back, for when the floor is
   * stored or will not be. @throws what `check` throws; ApiError registry_unavailable
   */
  async make(
    claim: FloorClaim,
    check: (others: readonly FloorClaim[]) => void,
  ): Promise<() => Promise<void>> {
    const own: StoredClaim = { ...claim, id: randomUUID(), time: Date.now() };
    try {
      await this.#change(async (others) => {
        // After the claims were read: what is not among them any more is stored by now, or will not be.
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
