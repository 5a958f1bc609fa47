import { writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { type CameraRecord, encodeJson, type NatsIdentity } from "@sightline/contracts";
import {
  authorizationFile,
  type Buckets,
  connectNats,
  createLogger,
  ensureStreams,
  type Nats,
  type NatsAccess,
  natsKeyFile,
  openBuckets,
  writeNatsKeys,
} from "@sightline/service";
import { makeSelfSigned } from "@sightline/service/self-signed";
import { NatsServer } from "@sightline/service/testing";
import { WorkerProcess } from "../../services/inference/src/testing/worker-process.ts";

/** Where a bench's NATS server is, and where the keys and the certificate of one that is closed are. */
export interface BenchNats {
  url: string;
  directory?: string;
}

/** How an identity gets in. */
export function accessTo({ url, directory }: BenchNats, identity: NatsIdentity): NatsAccess {
  if (directory === undefined) return { natsUrl: url };
  return {
    natsUrl: url,
    natsNkeyFile: natsKeyFile(join(directory, "keys"), identity),
    natsCaFile: join(directory, "tls.crt"),
  };
}

/** A NATS server; with `secure` it wants a key from everybody, with the permissions of each service, and speaks TLS only. */
export async function startBenchNats(secure: boolean): Promise<{ server: NatsServer; nats: BenchNats }> {
  if (!secure) {
    const server = await NatsServer.start();
    return { server, nats: { url: server.url } };
  }
  const { certificate, key } = await makeSelfSigned([]);
  const server = await NatsServer.start((directory) => {
    writeNatsKeys(join(directory, "keys"));
    writeFileSync(join(directory, "tls.crt"), certificate);
    writeFileSync(join(directory, "tls.key"), key, { mode: 0o600 });
    return `tls { cert_file: "${directory}/tls.crt", key_file: "${directory}/tls.key" }\ninclude "keys/${authorizationFile}"`;
  });
  return { server, nats: { url: server.url, directory: server.directory } };
}

/** What workers of a bench need, and a connection that may do all. */
export interface BenchSystem extends Pick<Nats, "connection" | "manager"> {
  nats: BenchNats;
  buckets: Buckets;
  stop(): Promise<void>;
}

/** A NATS server with streams and buckets. */
export async function startBenchSystem(): Promise<BenchSystem> {
  const { server, nats } = await startBenchNats(false);
  const log = createLogger("bench", "warn");
  const { connection, manager, kv } = await connectNats(accessTo(nats, "operator"), "bench", log);
  await ensureStreams(manager, { maxAgeSeconds: 3_600, maxBytes: 256 * 1024 ** 2, replicas: 1 });
  const stop = async () => {
    await connection.close();
    await server.stop();
  };
  return { nats, connection, manager, buckets: await openBuckets(kv), stop };
}

/** Registers cameras, as results does; a worker infers no others. */
export async function registerCameras(
  buckets: Pick<Buckets, "cameras">,
  model: string,
  cameras: readonly { id: string }[],
): Promise<void> {
  const time = new Date().toISOString();
  for (const { id } of cameras) {
    const record: CameraRecord = {
      ...{ uri: "rtsp://bench/x", transport: "tcp", targetFps: 0, model, minScore: 0, classes: [] },
      ...{ hasCredentials: false, createTime: time, updateTime: time },
    };
    await buckets.cameras.put(id, encodeJson(record));
  }
}

/** Options by which a bench names the model that its worker runs. */
export const modelOptions = {
  json: { type: "boolean", default: false },
  models: { type: "string", default: "models" },
  model: { type: "string", default: "yolo-nas-pedestrians" },
  threads: { type: "string", default: String(availableParallelism()) },
} as const;

/** A worker with the model of these options; `env` holds further settings. */
export function startModelWorker(
  { url }: BenchNats,
  { models, model, threads }: { models: string; model: string; threads: number },
  env: NodeJS.ProcessEnv,
): Promise<WorkerProcess> {
  return WorkerProcess.start({
    SIGHTLINE_NATS_URL: url,
    SIGHTLINE_MODEL_DIR: models,
    SIGHTLINE_MODEL: model,
    SIGHTLINE_THREADS: String(threads),
    ...env,
  });
}
