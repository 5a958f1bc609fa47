import type { KV } from "@nats-io/kv";
import { type CameraRecord, CameraRules, toTimestamp } from "@sightline/contracts";
import { isJetStreamFailure, type KvMirror, type Logger } from "@sightline/service";
import { ApiError, noCamera } from "../errors.ts";

/** Etag of the rules of a camera without rules. */
const noRules = "0";

/** The rules of cameras in NATS. They are removed with their camera; between several results services their revision decides. */
export class RulesRegistry {
  readonly #kv: KV;
  readonly #mirror: KvMirror<CameraRules>;
  readonly #records: KvMirror<CameraRecord>;
  readonly #log: Logger;
  readonly #unsubscribe: () => void;

  constructor(kv: KV, mirror: KvMirror<CameraRules>, records: KvMirror<CameraRecord>, log: Logger) {
    this.#kv = kv;
    this.#mirror = mirror;
    this.#records = records;
    this.#log = log;
    this.#unsubscribe = records.onChange(({ key, value }) => {
      if (!value) void this.#remove(key);
    });
  }

  /** Removes rules left by a service that ended between the removal of a camera and of its rules. */
  async sweep(cameras: KV): Promise<void> {
    for (const camera of this.#mirror.keys()) {
      if (this.#records.get(camera)) continue;
      // The mirror of cameras may be behind that of rules.
      const entry = await cameras.get(camera).catch(() => undefined);
      if (entry === null || entry?.operation === "DEL") await this.#remove(camera);
    }
  }

  /** The rules of a camera, without its name; empty rules when it has none. */
  find(camera: string): CameraRules {
    const rules = this.#mirror.get(camera) ?? CameraRules.create();
    return { ...rules, etag: this.#etag(camera) };
  }

  /** Calls `listener` with a camera's id whenever its rules change, until the returned function is called. */
  onChange(listener: (camera: string) => void): () => void {
    return this.#mirror.onChange(({ key }) => listener(key));
  }

  /**
   * Replaces a camera's rules, which have been checked; with an `etag`, only the rules with this etag are replaced.
   * @throws ApiError camera_not_found, etag_mismatch, registry_unavailable
   */
  async replace(camera: string, rules: CameraRules, etag: string): Promise<CameraRules> {
    this.requireCamera(camera);
    const conflict = () =>
      new ApiError("etag_mismatch", `the rules of camera '${camera}' have changed; get them and try again`);
    if (etag !== "" && etag !== this.#etag(camera)) throw conflict();
    const stored = CameraRules.fromPartial({
      ...rules,
      name: "",
      etag: "",
      updateTime: toTimestamp(Date.now()),
    });
    try {
      const revision = await this.#write(camera, CameraRules.encode(stored).finish(), etag);
      this.#mirror.applyPut(camera, revision, stored);
    } catch (cause) {
      if (isJetStreamFailure(cause, "wrongLastSequence")) throw conflict();
      throw new ApiError("registry_unavailable", "the store of rules does not answer (NATS); try again", {
        cause,
      });
    }
    // Its camera may have been removed while the rules were written.
    if (!this.#records.get(camera)) await this.#remove(camera);
    return this.find(camera);
  }

  /** @throws ApiError camera_not_found */
  requireCamera(camera: string): CameraRecord {
    const record = this.#records.get(camera);
    if (!record) throw noCamera(camera, this.#records.keys());
    return record;
  }

  async stop(): Promise<void> {
    this.#unsubscribe();
  }

  #etag(camera: string): string {
    return String(this.#mirror.revision(camera) ?? noRules);
  }

  async #write(camera: string, data: Uint8Array, etag: string): Promise<number> {
    if (etag === "") return this.#kv.put(camera, data);
    return etag === noRules ? this.#kv.create(camera, data) : this.#kv.update(camera, data, Number(etag));
  }

  /** Removes the rules at the revision known here; newer rules belong to a camera that was registered since. */
  async #remove(camera: string): Promise<void> {
    const revision = this.#mirror.revision(camera);
    if (revision === undefined) return;
    this.#mirror.applyDelete(camera, revision);
    await this.#kv.delete(camera, { previousSeq: revision }).catch((error: Error) => {
      this.#log.debug({ camera, err: error }, "rules of a removed camera not deleted here");
    });
  }
}

/** Reads an entry of the bucket. @throws when the bytes are not CameraRules */
export function decodeRules(data: Uint8Array): CameraRules {
  return CameraRules.decode(data);
}
