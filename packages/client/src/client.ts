import type { ChannelCredentials } from "@grpc/grpc-js";
import { CameraServiceClient } from "@sightline/contracts/api";
import { Access } from "./access.ts";
import { Audit } from "./audit.ts";
import { Cameras } from "./cameras.ts";
import { Connection } from "./connection.ts";
import { Detections } from "./detections.ts";
import { Events } from "./events.ts";
import { ModelJobs } from "./model-jobs.ts";
import { Models } from "./models.ts";
import { Recordings } from "./recordings.ts";
import { Rules } from "./rules.ts";
import { Subscriptions } from "./subscriptions/subscriptions.ts";
import type { TlsOptions } from "./transport.ts";

export interface ConnectOptions {
  /** Connects with TLS and these certificates; `{}` uses those that Node.js trusts. Without it the connection is plain text, unless the address begins with https://. */
  tls?: TlsOptions | undefined;
  /** The token for every call, from `sightline token add` or `access.logIn`. A function is called again for each call. */
  token?: string | (() => string | undefined) | undefined;
  /** Credentials of the connection, for cases that `tls` cannot express. */
  credentials?: ChannelCredentials;
}

/**
 * A client of a Sightline server.
 *
 * @example
 * ```ts
 * await client.ready(10_000);
 * const names: string[] = [];
 * for await (const { name } of client.cameras.list()) names.push(name);
 * assert.deepEqual(names, ["cameras/front"]);
 * ```
 */
export class SightlineClient {
  /** Users, tokens, and who the caller is. */
  readonly access: Access;
  readonly audit: Audit;
  readonly cameras: Cameras;
  readonly detections: Detections;
  readonly events: Events;
  readonly modelJobs: ModelJobs;
  readonly models: Models;
  readonly recordings: Recordings;
  readonly rules: Rules;
  readonly subscriptions: Subscriptions;
  readonly #connection: Connection;

  constructor(address: string, options: ConnectOptions) {
    this.#connection = new Connection(address, options.tls, options.credentials, options.token);
    this.access = new Access(this.#connection);
    this.audit = new Audit(this.#connection);
    this.cameras = new Cameras(this.#connection);
    this.detections = new Detections(this.#connection);
    this.events = new Events(this.#connection);
    this.modelJobs = new ModelJobs(this.#connection);
    this.models = new Models(this.#connection);
    this.recordings = new Recordings(this.#connection);
    this.rules = new Rules(this.#connection);
    this.subscriptions = new Subscriptions(this.#connection);
  }

  /** Waits until the server accepts calls. @throws SightlineError UNAVAILABLE after `timeoutMs` */
  async ready(timeoutMs: number): Promise<void> {
    await this.#connection.ready(CameraServiceClient, timeoutMs);
  }

  /** Ends every iteration without an error, every call with CANCELLED, and then the connections. Safe to call twice. */
  close(): void {
    this.#connection.close();
  }
}

/**
 * Connects to a server at `HOST:PORT` or `https://HOST:PORT`; it connects when first needed, and again after a lost connection. You may give several addresses of one
 * Sightline, separated by commas: the first is used until its server is gone, then the next, and so on.
 *
 * @example
 * ```ts
 * const sightline = connect(address, { token });
 * assert.equal((await sightline.access.whoAmI()).role, "admin");
 * sightline.close();
 * ```
 */
export function connect(address: string, options: ConnectOptions = {}): SightlineClient {
  return new SightlineClient(address, options);
}
