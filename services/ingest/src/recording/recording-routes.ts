import { createReadStream } from "node:fs";
import { Readable } from "node:stream";
import {
  isCameraId,
  limits,
  pictureSizeHeader,
  type RecordingSegment,
  recordingPaths,
  videoFromHeader,
  videoToHeader,
} from "@sightline/contracts";
import {
  RangeMovie,
  type RecordingFolder,
  readRecordedPicture,
  readSegment,
  readSilenced,
  type Segment,
  segmentId,
} from "@sightline/recording";
import { BoundedMap, type HttpServer } from "@sightline/service";
import { IngestError, RefusedError } from "../errors.ts";
import { type Pictures, tooManyPictures } from "../pictures/pictures.ts";
import { byteRange, guardByToken } from "./http-requests.ts";
import type { RecordingsOnDisk } from "./recordings.ts";

/** Number of movies whose beginnings are cached, because a player requests a movie in many parts. */
const keptMovies = 8;

/** The answer: bytes of something that has `bytes` in total. */
interface Content {
  bytes: number;
  etag: string;
  headers?: Readonly<Record<string, string | number>>;
  read(start: number, end: number): Readable;
}

interface Asked {
  Params: { camera: string; id: string };
  Querystring: { from_ms?: string; to_ms?: string; audio?: string };
}

interface AskedPicture {
  Params: { camera: string };
  Querystring: { at_ms?: string };
}

/** Serves recordings to clients that know the token. `recordings` and `pictures` are undefined until they are ready. */
export function serveRecordings(
  app: HttpServer["app"],
  token: string,
  recordings: () => RecordingsOnDisk | undefined,
  pictures: () => Pictures | undefined,
): void {
  const movies = new MovieCache();
  const folderOf = ({ camera }: { camera: string }): RecordingFolder => {
    if (!isCameraId(camera)) throw new RefusedError("invalid_argument", "the camera's name is not valid");
    const folder = recordings()?.folder;
    if (!folder) throw new RefusedError("unavailable", recordings()?.fault ?? "this ingest records nothing");
    return folder;
  };
  app.register(async (scope) => {
    guardByToken(scope, token);
    scope.get<Asked>(recordingPaths.video(":camera"), async ({ params, query, headers }, reply) => {
      const folder = folderOf(params);
      const { fromMs, toMs } = rangeOf(query);
      if (toMs - fromMs > limits.maxVideoRangeMs)
        throw new RefusedError("invalid_argument", `a range has at most ${limits.maxVideoRangeMs} ms`);
      const movie = await movies.get(folder, params.camera, { fromMs, toMs, sound: query.audio !== "0" });
      if (!movie) throw nothing(params.camera);
      return send(reply, headers.range, headers["if-range"] as string | undefined, {
        ...{ bytes: movie.bytes, etag: movie.etag },
        headers: { [videoFromHeader]: movie.fromMs, [videoToHeader]: movie.toMs },
        read: (start, end) => Readable.from(movie.read(start, end)),
      });
    });
    scope.get<Asked>(recordingPaths.segments(":camera"), async ({ params, query }) => {
      const folder = folderOf(params);
      const { fromMs, toMs } = rangeOf(query);
      const found = await Promise.all(
        folder.index.find(params.camera, fromMs, toMs).map((segment) => describe(folder, segment)),
      );
      return { segments: found.filter((each) => each !== undefined) };
    });
    scope.get<Asked>(recordingPaths.segment(":camera", ":id"), async ({ params, query, headers }, reply) => {
      const folder = folderOf(params);
      const segment = folder.index.get(params.camera, params.id);
      if (!segment || segment.bytes === 0) throw nothing(params.camera);
      const { bytes } = segment;
      const isSilenced = segment.audio && query.audio === "0";
      return send(reply, headers.range, headers["if-range"] as string | undefined, {
        ...{ bytes, etag: `${params.id}-${bytes}${isSilenced ? "-silent" : ""}` },
        read: (start, end) =>
          isSilenced
            ? Readable.from(readSilenced(folder.pathOf(segment), start, end))
            : createReadStream(folder.pathOf(segment), { start, end: end - 1 }),
      });
    });
    scope.get<AskedPicture>(recordingPaths.picture(":camera"), async ({ params, query }, reply) => {
      const { camera } = params;
      const folder = folderOf(params);
      const at = Number(query.at_ms);
      if (query.at_ms === undefined || !Number.isFinite(at))
        throw new RefusedError("invalid_argument", "expected at_ms, milliseconds since 1970");
      const recorded = await readRecordedPicture(folder, camera, at).catch(() => undefined);
      if (!recorded) throw nothing(camera);
      try {
        const made = await pictures()?.recorded(camera, recorded);
        if (!made) throw new RefusedError("unavailable", tooManyPictures);
        return reply
          .header(pictureSizeHeader, `${made.width}x${made.height}`)
          .type("image/jpeg")
          .send(made.data);
      } catch (error) {
        if (!(error instanceof IngestError)) throw error;
        if (error.code === "too_many_pictures")
          throw new RefusedError("unavailable", error.message, { cause: error });
        if (error.code !== "picture_undecodable") throw error;
        throw new RefusedError("failed", `the picture cannot be decoded: ${error.message}`, {
          cause: error,
        });
      }
    });
    scope.delete<Asked>(recordingPaths.camera(":camera"), async ({ params, query }) => {
      const folder = folderOf(params);
      const all = query.from_ms === undefined && query.to_ms === undefined;
      const { fromMs, toMs } = all ? { fromMs: 0, toMs: Number.POSITIVE_INFINITY } : rangeOf(query);
      const within = folder.index
        .of(params.camera)
        .filter(
          (segment) =>
            segment.fromMs >= fromMs && segment.endMs <= toMs && (all || segment.toMs !== undefined),
        );
      const deletedBytes = within.reduce((sum, { bytes }) => sum + bytes, 0);
      await Promise.all(within.map((segment) => folder.delete(segment, "asked")));
      return { deletedSegments: within.length, deletedBytes };
    });
  });
}

/** The beginnings of the movies that were requested last. */
class MovieCache {
  readonly #movies = new BoundedMap<string, Promise<RangeMovie | undefined>>(keptMovies);

  get(
    folder: RecordingFolder,
    camera: string,
    { fromMs, toMs, sound }: { fromMs: number; toMs: number; sound: boolean },
  ): Promise<RangeMovie | undefined> {
    const segments = folder.index.find(camera, fromMs, toMs);
    const parts = segments.map((each) => `${segmentId(each)}:${each.bytes}`);
    const key = [camera, fromMs, toMs, sound, ...parts].join(" ");
    const movie = this.#movies.get(key) ?? RangeMovie.of(folder, camera, fromMs, toMs, { sound });
    this.#movies.set(key, movie);
    movie.catch(() => this.#movies.delete(key));
    return movie;
  }
}

const initBytesOf = new WeakMap<Segment, number>();

/** Undefined for a segment that has just begun or has been deleted. */
async function describe(folder: RecordingFolder, segment: Segment): Promise<RecordingSegment | undefined> {
  const { bytes, fromMs, endMs: toMs, codec, width, height, audio } = segment;
  if (toMs <= fromMs) return undefined;
  const initBytes =
    initBytesOf.get(segment) ?? (await readSegment(folder.pathOf(segment)).catch(() => undefined))?.initBytes;
  if (initBytes === undefined) return undefined;
  initBytesOf.set(segment, initBytes);
  return {
    id: segmentId(segment),
    fromMs,
    toMs,
    bytes,
    initBytes,
    codec: codec.toLowerCase(),
    width,
    height,
    ...(audio && { audio }),
  };
}

function nothing(camera: string): RefusedError {
  return new RefusedError(
    "recording_not_found",
    `nothing of camera '${camera}' is recorded here at that time`,
  );
}

/** @throws RefusedError */
function rangeOf({ from_ms, to_ms }: Asked["Querystring"]): { fromMs: number; toMs: number } {
  const [fromMs, toMs] = [Number(from_ms), Number(to_ms)];
  if (from_ms !== undefined && to_ms !== undefined && fromMs < toMs) return { fromMs, toMs };
  throw new RefusedError(
    "invalid_argument",
    "expected from_ms and to_ms, milliseconds since 1970, the first before the second",
  );
}

/** The part of Fastify's reply that is used. */
interface Reply {
  code(status: number): unknown;
  headers(headers: Record<string, string | number>): unknown;
  send(body: unknown): unknown;
}

function send(
  reply: Reply,
  range: string | undefined,
  ifRange: string | undefined,
  content: Content,
): unknown {
  const { bytes, headers, read } = content;
  const etag = `"${content.etag}"`;
  const common = { "accept-ranges": "bytes", etag, "content-type": "video/mp4", ...headers };
  const part = ifRange === undefined || ifRange === etag ? byteRange(range, bytes) : undefined;
  if (part === "unsatisfiable") {
    reply.headers({ "content-range": `bytes */${bytes}` });
    throw new RefusedError("range_not_satisfiable", `there are ${bytes} bytes`);
  }
  const { start, end } = part ?? { start: 0, end: bytes };
  reply.code(part ? 206 : 200);
  reply.headers({
    ...common,
    "content-length": end - start,
    ...(part && { "content-range": `bytes ${start}-${end - 1}/${bytes}` }),
  });
  return reply.send(read(start, end));
}
