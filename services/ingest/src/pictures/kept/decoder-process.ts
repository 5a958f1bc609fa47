/**
 * The program of the process that decodes pictures for all cameras of an ingest. If bytes from a camera make native code
 * crash, only this process ends. It gets its work over its parent's channel and opens nothing else.
 */
import { AV_LOG_QUIET } from "node-av/constants";
import { Log } from "node-av/lib";
import type { DecodeRequest, DecoderMessage } from "./decoder-messages.ts";
import { frameJpeg } from "./frame-jpeg.ts";
import { StreamDecoder } from "./stream-decoder.ts";

/** Most decoders that stay open for later pictures of their group; each has some uncompressed pictures in memory. */
const mostOpen = 4;
/** Longer than pictures of one group are requested. */
const openMs = 3_000;

interface Stream {
  decoder: StreamDecoder | undefined;
  /** Requests that are not answered yet. */
  open: number;
  /** Settles when the last of them is answered; the next request waits for it. */
  last: Promise<void>;
  closing: NodeJS.Timeout | undefined;
}

/** By number, the least recently requested first. */
const streams = new Map<number, Stream>();

function say(message: DecoderMessage): void {
  process.send?.(message);
}

function take(request: DecodeRequest): void {
  const id = request.stream;
  const none = { decoder: undefined, open: 0, last: Promise.resolve(), closing: undefined };
  const stream: Stream = streams.get(id) ?? none;
  streams.delete(id);
  streams.set(id, stream);
  clearTimeout(stream.closing);
  stream.open += 1;
  stream.last = stream.last.then(async () => {
    say(await answer(request, stream));
    stream.open -= 1;
    if (stream.open > 0) return;
    stream.closing = setTimeout(() => close(id, stream), openMs);
    const idle = [...streams].filter(([, { open }]) => open === 0);
    for (const [oldest, its] of idle.slice(0, Math.max(0, streams.size - mostOpen))) close(oldest, its);
  });
}

function close(id: number, stream: Stream): void {
  clearTimeout(stream.closing);
  forget(stream);
  streams.delete(id);
}

async function answer(request: DecodeRequest, stream: Stream): Promise<DecoderMessage> {
  const { id, codec, parameterSets, pictures, filters, qualityScale } = request;
  const before = process.cpuUsage();
  const left = stream.decoder?.left(pictures);
  if (!left) forget(stream);
  try {
    stream.decoder ??= new StreamDecoder(codec);
    const frame = await stream.decoder.decode(left ?? pictures, left ? undefined : parameterSets);
    if (stream.decoder.drained) forget(stream);
    try {
      const picture = await frameJpeg(frame, filters, qualityScale);
      const { user, system } = process.cpuUsage(before);
      return { id, ...picture, decoded: (left ?? pictures).length, cpuMs: (user + system) / 1000 };
    } finally {
      frame.free();
    }
  } catch (error) {
    forget(stream);
    return { id, failure: (error as Error).message };
  }
}

function forget(stream: Stream): void {
  stream.decoder?.close();
  stream.decoder = undefined;
}

Log.setLevel(AV_LOG_QUIET);
process.on("message", take);
// The parent has ended; a process with hanging native code must not remain.
process.on("disconnect", () => process.kill(process.pid, "SIGKILL"));
say({ ready: true });
