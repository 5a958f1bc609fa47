import { createHash } from "node:crypto";
import { streams } from "@sightline/contracts";
import { z } from "zod";
import { ServiceError } from "../errors.ts";
import { isJetStreamFailure } from "../jetstream-errors.ts";
import type { Nats } from "../nats.ts";
import { ArchiveWriter, entriesOf } from "./archive.ts";
import { keptStreams, leasesStream } from "./kept-streams.ts";
import { restoreStream, type StreamForm, snapshotOf } from "./stream-snapshots.ts";

const contentsName = "contents.json";
const contentsSchema = z.object({
  format: z.literal(1),
  made: z.string(),
  streams: z.array(
    z.object({ name: z.string(), form: z.custom<StreamForm>(), parts: z.number(), sha256: z.string() }),
  ),
});
type Contents = z.infer<typeof contentsSchema>;

/** What a backup contains of one stream. */
export interface SavedStream {
  name: string;
  messages: number;
}

/**
 * Writes everything durable to one file: one stream after the other, each as of one instant. Services may run meanwhile.
 * @throws ServiceError stream_snapshot_failed, backup_empty; or an error of the file system. In both cases there is no file.
 */
export async function backup({ connection, manager }: Nats, path: string): Promise<SavedStream[]> {
  const archive = new ArchiveWriter(path);
  const contents: Contents = { format: 1, made: new Date().toISOString(), streams: [] };
  try {
    for (const name of keptStreams) {
      if ((await messagesIn(manager, name)) === undefined) continue;
      const hash = createHash("sha256");
      let form: StreamForm | undefined;
      let parts = 0;
      for await (const part of snapshotOf(connection, name, (found) => (form = found))) {
        hash.update(part);
        await archive.add(partName(name, parts++), part);
      }
      contents.streams.push({ name, form: form!, parts, sha256: hash.digest("hex") });
    }
    if (contents.streams.length === 0)
      throw new ServiceError(
        "backup_empty",
        "this NATS has no stream of Sightline: there is nothing to back up",
      );
    await archive.add(contentsName, Buffer.from(JSON.stringify(contents)));
    await archive.finish();
  } catch (error) {
    await archive.abandon();
    throw error;
  }
  return contents.streams.map(saved);
}

/** Options for restoring a backup. */
export interface RestoreOptions {
  /** First delete what is in the store. */
  replace?: boolean;
  /** Copies of each stream; default: as in the backup. */
  replicas?: number | undefined;
}

/**
 * Restores a backup, after checking all of it. The services must not run.
 * @throws ServiceError backup_unusable: the file is not a complete backup; store_in_use: services run, or the store contains data and
 * `replace` is not set; both before anything is changed. stream_snapshot_failed: NATS does not accept a stream; the streams before it are
 * restored by then.
 */
export async function restore(
  { connection, manager }: Nats,
  path: string,
  { replace = false, replicas }: RestoreOptions = {},
): Promise<SavedStream[]> {
  const contents = await checked(path);
  if (((await messagesIn(manager, leasesStream)) ?? 0) > 0)
    throw new ServiceError(
      "store_in_use",
      "services are using this NATS, or were using it a moment ago: stop ingest, results, the analysis and workers, wait 5 s, and try again",
    );
  const there: string[] = [];
  const full: string[] = [];
  for (const name of [...keptStreams, streams.ready]) {
    const messages = await messagesIn(manager, name);
    if (messages === undefined) continue;
    there.push(name);
    if (messages > 0 && name !== streams.ready) full.push(name);
  }
  if (full.length > 0 && !replace)
    throw new ServiceError(
      "store_in_use",
      `this NATS holds data: ${full.join(", ")}. Restore into an empty one, or give --replace to delete all of it first`,
    );
  for (const name of there) await manager.streams.delete(name);
  const entries = entriesOf(path);
  for (const { form, parts } of contents.streams) {
    const config = replicas === undefined ? form.config : { ...form.config, num_replicas: replicas };
    await restoreStream(connection, { ...form, config }, partsOf(entries, parts));
  }
  await entries.return(undefined);
  return contents.streams.map(saved);
}

/** The contents of a backup that is complete and unchanged. @throws ServiceError backup_unusable */
async function checked(path: string): Promise<Contents> {
  const found = new Map<string, { hash: ReturnType<typeof createHash>; parts: number }>();
  let contents: Contents | undefined;
  for await (const { name, data } of entriesOf(path)) {
    if (name === contentsName) {
      const parsed = contentsSchema.safeParse(parseJson(data));
      if (!parsed.success)
        throw new ServiceError(
          "backup_unusable",
          `${path} is a backup from another version, or not a backup`,
        );
      contents = parsed.data;
      continue;
    }
    const stream = name.split("/")[0]!;
    const known = found.get(stream) ?? { hash: createHash("sha256"), parts: 0 };
    if (name !== partName(stream, known.parts++))
      throw new ServiceError("backup_unusable", `${path} is not a backup, or its parts are mixed up`);
    known.hash.update(data);
    found.set(stream, known);
  }
  if (!contents)
    throw new ServiceError("backup_unusable", `${path} is not a complete backup: it has no ${contentsName}`);
  const unknown = contents.streams.find(({ name }) => !keptStreams.includes(name));
  if (unknown)
    throw new ServiceError(
      "backup_unusable",
      `${path} holds stream ${unknown.name}, which this version does not know`,
    );
  for (const { name, parts, sha256 } of contents.streams) {
    const known = found.get(name);
    if (known?.parts !== parts || known.hash.digest("hex") !== sha256)
      throw new ServiceError("backup_unusable", `${path} is damaged: stream ${name} is not what was saved`);
  }
  return contents;
}

async function* partsOf(
  entries: AsyncGenerator<{ data: Buffer }>,
  count: number,
): AsyncGenerator<Uint8Array> {
  for (let part = 0; part < count; part++) {
    const { value, done } = await entries.next();
    if (done) return;
    yield value.data;
  }
}

function partName(stream: string, part: number): string {
  return `${stream}/${String(part).padStart(6, "0")}`;
}

function parseJson(data: Buffer): unknown {
  try {
    return JSON.parse(data.toString());
  } catch {
    return undefined;
  }
}

function saved({ name, form }: Contents["streams"][number]): SavedStream {
  return { name, messages: form.state.messages };
}

/** Number of messages; undefined when the stream does not exist. */
async function messagesIn(manager: Nats["manager"], name: string): Promise<number | undefined> {
  try {
    return (await manager.streams.info(name)).state.messages;
  } catch (error) {
    if (isJetStreamFailure(error, "streamNotFound")) return undefined;
    throw error;
  }
}
