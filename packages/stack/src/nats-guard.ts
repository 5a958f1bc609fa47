import { diskRoom, diskText, isDiskFull, pause } from "@sightline/service";
import { askService } from "./own-server.ts";
import type { Stack } from "./stack.ts";

/** How often the services are asked: while they report nothing, and after one has reported a problem. */
const calmMs = 3_000;
const lookMs = 1_000;
const askMs = 2_000;
/** How long JetStream may refuse to store while its disk has room: it may still recover by itself. */
const patienceMs = 5_000;
const firstPauseMs = 20_000;
const longestPauseMs = 300_000;
const graceMs = 3_000;

/**
 * Ends a NATS server that does not store although its disk has room, so that it is started again. After a full disk, NATS may refuse or
 * hang until it is restarted. Stored data stays on disk.
 */
export class NatsGuard {
  readonly #stack: Stack;
  readonly #say: (line: string) => void;
  #fullSaid = false;

  constructor(stack: Stack, say: (line: string) => void) {
    this.#stack = stack;
    this.#say = say;
  }

  /** Checks until `signal` aborts. */
  async run(signal: AbortSignal): Promise<void> {
    let refusedSince: number | undefined;
    let notBefore = 0;
    let pauseMs = firstPauseMs;
    for (;;) {
      await pause(refusedSince === undefined ? calmMs : lookMs, signal);
      if (signal.aborted) return;
      const reason = await this.#refusal();
      const now = performance.now();
      if (reason === undefined) {
        refusedSince = undefined;
        this.#fullSaid = false;
        if (now > notBefore) pauseMs = firstPauseMs;
        continue;
      }
      if (await this.#isFull(reason)) refusedSince = undefined;
      else refusedSince ??= now;
      if (refusedSince === undefined || now - refusedSince < patienceMs || now < notBefore) continue;
      this.#say(`NATS has room on its disk but still does not work (${reason}): it is restarted`);
      notBefore = now + pauseMs;
      pauseMs = Math.min(2 * pauseMs, longestPauseMs);
      refusedSince = undefined;
      await this.#stack.process("nats-server").stop(graceMs);
    }
  }

  async #isFull(reason: string): Promise<boolean> {
    const room = await diskRoom(this.#stack.natsDirectory);
    if (!room || !isDiskFull(room)) return false;
    if (!this.#fullSaid) this.#say(`${diskText(room)}: make room; NATS goes on by itself then (${reason})`);
    this.#fullSaid = true;
    return true;
  }

  /** What a service reports that JetStream does not do; undefined when no service reports a problem. */
  async #refusal(): Promise<string | undefined> {
    const answers = await Promise.all(
      this.#stack.services.map((service) => refusalTold(this.#stack.http(service))),
    );
    return answers.find((reason) => reason !== undefined);
  }
}

async function refusalTold(service: string): Promise<string | undefined> {
  try {
    const { text } = await askService(`${service}/readyz`, askMs);
    const { missing } = JSON.parse(text) as { missing?: Record<string, string> };
    return missing?.jetstream;
  } catch {
    return undefined;
  }
}
