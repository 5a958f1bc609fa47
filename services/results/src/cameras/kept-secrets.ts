import { buckets } from "@sightline/contracts";
import {
  type CameraSecrets,
  type Logger,
  type Nats,
  remakeStream,
  type SecretKeys,
} from "@sightline/service";

const lookMs = 5_000;

/** Keeps stored passwords encrypted with the newest key: at the start, and when the file of keys has changed. */
export class KeptSecrets {
  readonly #nats: Pick<Nats, "manager">;
  readonly #secrets: CameraSecrets;
  readonly #keys: SecretKeys;
  readonly #log: Logger;
  #sealedWith: string | undefined;
  #looking: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(nats: Pick<Nats, "manager">, secrets: CameraSecrets, keys: SecretKeys, log: Logger) {
    this.#nats = nats;
    this.#secrets = secrets;
    this.#keys = keys;
    this.#log = log;
  }

  async start(): Promise<void> {
    await this.#look();
    this.#timer = setInterval(() => void this.#look(), lookMs);
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#looking;
  }

  #look(): Promise<void> {
    this.#looking ??= this.#seal().finally(() => {
      this.#looking = undefined;
    });
    return this.#looking;
  }

  async #seal(): Promise<void> {
    const key = this.#keys.current;
    if (key === this.#sealedWith) return;
    try {
      const plain = await this.#secrets.sealPlain(this.#nats.manager);
      await this.#wipePlain();
      if (plain > 0)
        this.#log.info({ cameras: plain }, "passwords that were stored unencrypted are encrypted now");
      const { sealed, unreadable } = await this.#secrets.sealAnew(this.#nats.manager);
      if (sealed > 0) this.#log.info({ cameras: sealed, key }, "passwords are encrypted with a new key");
      for (const [camera, why] of unreadable)
        this.#log.error({ camera }, `the camera's password cannot be read: ${why}`);
      this.#sealedWith = key;
    } catch (error) {
      this.#log.warn({ err: error }, "passwords could not be encrypted; tried again");
    }
  }

  /** NATS leaves deleted data in its files; a bucket that is created again has new files. */
  async #wipePlain(): Promise<void> {
    const stream = `KV_${buckets.cameraSecrets}`;
    const { state } = await this.#nats.manager.streams.info(stream);
    if (state.last_seq > 0) await remakeStream(this.#nats.manager, stream);
  }
}
