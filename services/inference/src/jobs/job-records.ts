import type { KV } from "@nats-io/kv";
import { encodeJson, type ModelJob } from "@sightline/contracts";
import { isJetStreamFailure, type KvMirror } from "@sightline/service";

/**
 * Jobs as stored in NATS. A change is based on the revision that was read, so that when several workers want a job, only
 * one gets it.
 */
export class JobRecords {
  readonly #kv: KV;
  readonly #mirror: KvMirror<ModelJob>;

  constructor(kv: KV, mirror: KvMirror<ModelJob>) {
    this.#kv = kv;
    this.#mirror = mirror;
  }

  /** All jobs, the oldest first. */
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

  /**
   * Returns whether the change was written: false when another worker changed the job meanwhile.
   * @throws when NATS cannot be reached
   */
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
