import type { KV } from "@nats-io/kv";
import { encodeJson, type ModelJob } from "@sightline/contracts";
import { isJetStreamFailure, type KvMirror } from "@sightline/service";

/** Jobs as NATS has them. A change is made on the revision that was read, so that of several who want a job one gets it. */
export class JobRecords {
  readonly #kv: KV;
  readonly #mirror: KvMirror<ModelJob>;

  constructor(kv: KV, mirror: KvMirror<ModelJob>) {
    this.#kv = kv;
    this.#mirror = mirror;
  }

  /** The oldest first. */
  all(): [string, ModelJob][] {
    return this.#mirror
      .keys()
      .map((id): [string, ModelJob] => [id, this.#mirror.get(id)!])
      .sort(([, a], [, b]) => Date.parse(a.createdTime) - Date.parse(b.createdTime));
  }

  find(id: string): ModelJob | undefined {
    return this.#mirror.get(id);
  }

  onChange(listener: () => void): () => void {
    return this.#mirror.onChange(listener);
  }

  /** Returns whether it was written: not when another changed it meanwhile. @throws when NATS is away */
  async change(id: string, change: (job: ModelJob) => ModelJob): Promise<boolean> {
    const job = this.#mirror.get(id);
    const revision = this.#mirror.revision(id);
    if (!job || revision === undefined) return false;
    const next = change(job);
    try {
      this.#mirror.applyPut(id, await this.#kv.update(id, encodeJson(next), revision), next);
      return true;
    } catch (error) {
      if (isJetStreamFailure(error, "wrongLastSequence")) return false;
      throw error;
    }
  }
}
