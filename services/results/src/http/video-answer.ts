import { Readable } from "node:stream";
import type { ReadableStream } from "node:stream/web";
import { httpErrorSchema, videoFromHeader, videoToHeader } from "@sightline/contracts";
import type { FastifyReply, FastifyRequest } from "fastify";
import { z } from "zod";

/** Video in the OpenAPI document; the answer contains the MP4's bytes. */
const mp4 = { content: { "video/mp4": { schema: z.any().meta({ contentMediaType: "video/mp4" }) } } };
export const videoAnswers = {
  200: { description: "The video.", ...mp4 },
  206: { description: "The part of the video that Range asks for.", ...mp4 },
  304: z.undefined().describe("It is the one with this etag."),
  416: httpErrorSchema.describe("Range is outside the video."),
};

/** Request headers that are passed to the ingest with the video. */
const asked = ["range", "if-range", "if-none-match"] as const;
/** Answer headers that are passed back. */
const told = [
  "content-type",
  "content-length",
  "content-range",
  "accept-ranges",
  "etag",
  videoFromHeader,
  videoToHeader,
] as const;

/** The request headers that select a part of a video. */
export function rangeHeaders({ headers }: Pick<FastifyRequest, "headers">): Record<string, string> {
  return Object.fromEntries(
    asked.flatMap((name) => (typeof headers[name] === "string" ? [[name, headers[name]]] : [])),
  );
}

/** Aborts when the client goes before it has the whole answer. */
export function untilClosed(reply: FastifyReply): AbortSignal {
  const abort = new AbortController();
  reply.raw.once("close", () => abort.abort());
  return abort.signal;
}

/** Passes an ingest's answer on, at the speed at which the client reads it. */
export async function sendVideo(
  request: FastifyRequest,
  reply: FastifyReply,
  video: Response,
  fileName?: string,
): Promise<FastifyReply> {
  for (const name of told) {
    const value = video.headers.get(name);
    if (value !== null) reply.header(name, value);
  }
  reply.code(video.status).header("cache-control", "private, no-cache");
  if (video.status === 416) {
    await video.body?.cancel();
    reply.removeHeader("content-length");
    return reply.type("application/json").send({
      code: "invalid_argument",
      message: `Range is outside the video; its size is ${video.headers.get("content-range") ?? "unknown"}`,
    });
  }
  if (fileName !== undefined) reply.header("content-disposition", `inline; filename="${fileName}"`);
  if (request.method === "HEAD" || video.status === 304 || !video.body) {
    await video.body?.cancel();
    return reply.send();
  }
  return reply.send(Readable.fromWeb(video.body as ReadableStream));
}
