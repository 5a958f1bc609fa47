import { setTimeout as delay } from "node:timers/promises";
import { connect, type SightlineClient } from "@sightline/client";
import { EventType } from "@sightline/contracts";
import { natsNodeName, type RtspCameras, type Stack, storedEvents, storedResults } from "@sightline/stack";
import { CliError } from "../errors.ts";
import { ChaosWatch, longestGap } from "./chaos-watch.ts";
import { type Fault, planFaults } from "./fault-plan.ts";
import { PlainStreams } from "./plain-streams.ts";

/** Every camera must give results again within this time after a fault ends. */
const recoveryMs = 120_000;
/** Time limit for what is in progress at the end to arrive. */
const settleMs = 180_000;
/** At the end cameras give frames so rarely that all of them can be counted. */
const restFps = 0.02;

/** Which processes get faults. */
export type Hurt = "services" | "nats";

/** A fault with its effects. */
export interface FaultOutcome extends Fault {
  /** Seconds without results, by camera. */
  cameras: Readonly<Record<string, number>>;
  /** Seconds in which a subscriber received nothing, by the results process that it started with. */
  subscribers: readonly number[];
  /** Seconds in which NATS alone confirmed nothing: the longest time of the plain streams. */
  nats: number;
}

/** A fault in words. */
export function describeFault({ kind, targets, lastsMs }: Fault): string {
  return `${kind} ${targets.join(" and ")} for ${(lastsMs / 1_000).toFixed(1)} s`;
}

/** What is wrong at the end; all is well when every list is empty. */
export interface ChaosVerdict {
  /** Subscribers that did not receive exactly the stored events, in their order. */
  events: string[];
  /** Frames that are stored more than once, or whose count differs from the ledger. */
  frames: string[];
}

/**
 * Registers the cameras, injects faults into processes of the stack until `until` aborts, and then compares everything that must be
 * exact.
 */
export class ChaosRun {
  readonly outcomes: FaultOutcome[] = [];
  readonly #stack: Stack;
  readonly #cameras: RtspCameras;
  readonly #clients: readonly SightlineClient[];
  readonly #watches: readonly ChaosWatch[];
  readonly #fps: number;
  #plain: PlainStreams | undefined;

  constructor(stack: Stack, cameras: RtspCameras, fps: number) {
    this.#stack = stack;
    this.#cameras = cameras;
    this.#fps = fps;
    const ports = [stack.ports, ...(stack.cluster ? [stack.cluster.second] : [])];
    const addresses = ports.map(({ grpc }) => `127.0.0.1:${grpc}`);
    // Each client knows all addresses, as an application does, and starts with a different one.
    this.#clients = addresses.map((own) =>
      connect([own, ...addresses.filter((other) => other !== own)].join(",")),
    );
    this.#watches = this.#clients.map((client) => new ChaosWatch(client, cameras.names));
  }

  /** @throws Error when a camera gives no results */
  async start(signal: AbortSignal): Promise<void> {
    const [client] = this.#clients;
    this.#plain = await PlainStreams.start(this.#stack.natsAccess);
    for (const name of this.#cameras.names) {
      await client!.cameras.register(name, { uri: this.#cameras.url(name), targetFps: this.#fps });
      await client!.rules.update(name, { rules: [{ type: EventType.APPEARED }] });
    }
    await this.#untilAllGive(performance.now(), signal);
  }

  /**
   * Injects faults without end, chosen by the seed, into all processes or some, until `signal` aborts; each is reported. @throws Error when a camera
   * does not come back
   */
  async hurt(
    { seed, only }: { seed: number; only: Hurt | undefined },
    signal: AbortSignal,
    tell: (outcome: FaultOutcome) => void,
  ): Promise<void> {
    const names = this.#stack.processes().map(({ name }) => name);
    const servers = names.filter((name) => name.startsWith(natsNodeName(0)));
    const services = names.filter((name) => !servers.includes(name));
    for (const fault of planFaults(
      seed,
      only === "services" ? [] : servers,
      only === "nats" ? [] : services,
    )) {
      if (signal.aborted) return;
      const began = performance.now();
      await this.#inflict(fault);
      await this.#untilAllGive(performance.now()).catch((error: Error) => {
        throw new CliError("failed", `${describeFault(fault)}: ${error.message}`, { cause: error });
      });
      await delay(fault.restMs);
      const outcome = this.#outcomeOf(fault, began);
      this.outcomes.push(outcome);
      tell(outcome);
    }
  }

  /** Waits until everything in progress has arrived, and compares. */
  async verdict(): Promise<ChaosVerdict> {
    const [client] = this.#clients;
    for (const name of this.#cameras.names) await client!.cameras.update(name, { targetFps: restFps });
    const end = performance.now() + settleMs;
    for (;;) {
      const verdict = await this.#compare().catch((error: Error) => ({
        events: [error.message],
        frames: [],
      }));
      if (verdict.events.length + verdict.frames.length === 0 || performance.now() > end) return verdict;
      await delay(1_000);
    }
  }

  async stop(): Promise<void> {
    await Promise.all([this.#plain?.stop(), ...this.#watches.map((watch) => watch.stop())]);
    for (const client of this.#clients) client.close();
  }

  async #inflict({ kind, targets, lastsMs }: Fault): Promise<void> {
    const hurt = targets.map((name) => this.#stack.process(name));
    for (const { child } of hurt) child.kill(kind === "kill" ? "SIGKILL" : "SIGSTOP");
    await delay(lastsMs);
    for (const process of hurt) {
      if (kind === "freeze") process.child.kill("SIGCONT");
      else {
        await process.exited;
        await this.#stack.startAgain(process);
      }
    }
  }

  /** Returns when every camera has given a result after `since`, at every results process. */
  async #untilAllGive(since: number, signal?: AbortSignal): Promise<void> {
    for (;;) {
      signal?.throwIfAborted();
      const failed = this.#watches.find(({ failure }) => failure)?.failure;
      if (failed) throw new CliError("failed", `a subscriber ended: ${failed.message}`, { cause: failed });
      const silent = this.#cameras.names.filter((name) =>
        this.#watches.some(({ results }) => !(results.get(name)!.at(-1)! > since)),
      );
      if (silent.length === 0) return;
      if (performance.now() > since + recoveryMs)
        throw new CliError(
          "failed",
          `no results for ${recoveryMs / 1_000} s after the fault: ${silent.join(", ")}`,
        );
      await delay(100);
    }
  }

  #outcomeOf(fault: Fault, began: number): FaultOutcome {
    const now = performance.now();
    const seconds = (ms: number) => Math.round(ms / 100) / 10;
    const gap = (times: readonly number[]) => seconds(longestGap(times, began, now));
    const perWatch = (name: string) => this.#watches.map(({ results }) => gap(results.get(name)!));
    return {
      ...fault,
      // A camera is back when any subscriber receives a result.
      cameras: Object.fromEntries(this.#cameras.names.map((name) => [name, Math.min(...perWatch(name))])),
      subscribers: this.#watches.map(({ results }) =>
        gap([...results.values()].flat().sort((a, b) => a - b)),
      ),
      nats: seconds(this.#plain!.silence(began, now)),
    };
  }

  async #compare(): Promise<ChaosVerdict> {
    const stored = await storedEvents(this.#stack.natsAccess);
    const events = this.#watches.flatMap(({ events: told }, index) =>
      told.join("\n") === stored.join("\n")
        ? []
        : [
            `subscriber ${index + 1} was told ${told.length} messages about events; ${stored.length} are stored`,
          ],
    );
    const ids = (await storedResults(this.#stack.natsAccess)).map(({ id }) => id);
    const frames =
      ids.length === new Set(ids).size ? [] : [`${ids.length - new Set(ids).size} frames are stored twice`];
    for (const name of this.#cameras.names) {
      const { status } = await this.#clients[0]!.cameras.get(name);
      const { captured = 0, inferred = 0, inFlight = 0, dropped = [] } = status?.ledger ?? {};
      const lost = dropped.reduce((sum, { count }) => sum + count, 0);
      if (captured !== inferred + lost + inFlight)
        frames.push(
          `${name}: ${captured} captured, ${inferred} inferred, ${lost} dropped, ${inFlight} in flight`,
        );
      const kept = ids.filter((id) => id.startsWith(`${name}:${status?.epoch}:`)).length;
      if (kept !== inferred) frames.push(`${name}: ${inferred} inferred by its ledger, ${kept} stored`);
    }
    return { events, frames };
  }
}
