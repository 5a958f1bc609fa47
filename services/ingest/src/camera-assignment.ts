import { setTimeout as delay } from "node:timers/promises";
import { type CameraRecord, leaseTtlMs } from "@sightline/contracts";
import { type KvMirror, Lease, type Logger } from "@sightline/service";
import { CameraRunner, type RunnerContext } from "./camera-runner.ts";
import { readSettings } from "./camera-settings.ts";

/** So long an ingest that has its share leaves a camera to those that have not. */
const courtesyMs = 300;
const courtesyStepMs = 30;
const retryMs = 250;

/** Key, in the bucket of leases, under which an ingest shows that it is there. */
export function presenceKey(ingest: string): string {
  return `ingest.${ingest.replaceAll(".", "-")}`;
}

interface Holding {
  lease: Lease;
  runner: CameraRunner;
}

/** Registered cameras and held leases in memory. */
export interface AssignmentView {
  records: KvMirror<CameraRecord>;
  /** Key of a lease → its holder; and the presence of each ingest. */
  leases: KvMirror<string>;
}

/**
 * Takes the leases of registered cameras that nobody holds, and runs a camera for as long as it has the lease. Each camera
 * is handled by itself, one step after another, so none waits for another.
 */
export class CameraAssignment {
  readonly #view: AssignmentView;
  readonly #context: RunnerContext;
  readonly #log: Logger;
  readonly #held = new Map<string, Holding>();
  /** Per camera: the step that runs, and whether another must follow. */
  readonly #busy = new Map<string, { again: boolean; done: Promise<void> }>();
  readonly #removeListeners: (() => void)[] = [];
  /** Cameras whose lease is being asked for. */
  #asking = 0;
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;

  constructor(view: AssignmentView, context: RunnerContext, log: Logger) {
    this.#view = view;
    this.#context = context;
    this.#log = log;
  }

  start(): void {
    const { records, leases } = this.#view;
    this.#removeListeners.push(
      records.onChange(({ key }) => this.#consider(key)),
      leases.onChange(({ key, value }) => {
        const camera = cameraOfLease(key);
        if (value === undefined && camera !== undefined) this.#consider(camera);
      }),
    );
    this.#considerAll();
    // A lease that was lost without a word, or that could not be asked for, is found by looking again.
    this.#timer = setInterval(() => this.#considerAll(), leaseTtlMs / 4);
  }

  /** The cameras that this process runs. */
  runners(): CameraRunner[] {
    return [...this.#held.values()].map(({ runner }) => runner);
  }

  /** Takes no more cameras, ends all and gives their leases back. */
  async stop(): Promise<void> {
    this.#stopped = true;
    clearInterval(this.#timer);
    for (const remove of this.#removeListeners.splice(0)) remove();
    for (const camera of this.#held.keys()) this.#consider(camera);
    await Promise.all([...this.#busy.values()].map(({ done }) => done));
  }

  #considerAll(): void {
    for (const camera of new Set([...this.#view.records.keys(), ...this.#held.keys()]))
      this.#consider(camera);
  }

  #consider(camera: string): void {
    const busy = this.#busy.get(camera);
    if (busy) {
      busy.again = true;
      return;
    }
    const entry = { again: false, done: Promise.resolve() };
    this.#busy.set(camera, entry);
    entry.done = (async () => {
      do {
        entry.again = false;
        await this.#step(camera).catch((error: Error) => this.#failed(camera, error));
      } while (entry.again);
      this.#busy.delete(camera);
    })();
  }

  #failed(camera: string, error: Error): void {
    this.#log.warn({ camera, error: error.message }, "camera not taken or changed yet; trying again");
    this.#lookAgain(camera);
  }

  #lookAgain(camera: string): void {
    void delay(retryMs).then(() => {
      if (!this.#stopped || this.#held.has(camera)) this.#consider(camera);
    });
  }

  async #step(camera: string): Promise<void> {
    const record = this.#stopped ? undefined : this.#view.records.get(camera);
    const held = this.#held.get(camera);
    if (held && (!record || held.lease.lost.aborted)) return this.#letGo(camera, held);
    if (!record) return;
    if (held) held.runner.update(await readSettings(this.#context.buckets.cameraSecrets, camera, record));
    else if (!this.#isLeased(camera)) await this.#take(camera, record);
  }

  #isLeased(camera: string): boolean {
    return this.#view.leases.get(leaseKey(camera)) !== undefined;
  }

  async #take(camera: string, record: CameraRecord): Promise<void> {
    for (let waited = 0; waited < courtesyMs && this.#hasItsShare(); waited += courtesyStepMs)
      await delay(courtesyStepMs);
    if (this.#stopped) return;
    const { buckets, ingest } = this.#context;
    this.#asking += 1;
    const lease = await Lease.acquire(buckets.leases, leaseKey(camera), ingest, this.#log).finally(() => {
      this.#asking -= 1;
    });
    if (!lease) {
      // Nobody renews it, but NATS has not let it expire yet.
      if (!this.#isLeased(camera)) this.#lookAgain(camera);
      return;
    }
    try {
      const settings = await readSettings(buckets.cameraSecrets, camera, record);
      const runner = new CameraRunner(camera, settings, this.#context, this.#log);
      this.#held.set(camera, { lease, runner });
      lease.lost.addEventListener("abort", () => this.#consider(camera), { once: true });
      this.#log.info({ camera }, "camera taken");
    } catch (error) {
      await lease.release();
      throw error;
    }
  }

  /** Whether this process has as many cameras as each would, were they dealt out evenly. */
  #hasItsShare(): boolean {
    const { records, leases } = this.#view;
    const ingests = leases.keys().filter((key) => key.startsWith("ingest.")).length;
    return this.#held.size + this.#asking >= Math.ceil(records.keys().length / Math.max(1, ingests));
  }

  async #letGo(camera: string, { lease, runner }: Holding): Promise<void> {
    const registered = this.#stopped || this.#view.records.get(camera) !== undefined;
    const why = lease.lost.aborted ? "lost" : registered ? "released" : "removed";
    await runner.stop(why);
    this.#held.delete(camera);
    await lease.release();
    this.#log.info({ camera, why }, "camera let go");
  }
}

function leaseKey(camera: string): string {
  return `camera.${camera}`;
}

function cameraOfLease(key: string): string | undefined {
  return key.startsWith("camera.") ? key.slice("camera.".length) : undefined;
}
