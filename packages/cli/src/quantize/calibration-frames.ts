import type { Writable } from "node:stream";
import { type Camera, Transport } from "@sightline/contracts";
import { usualFfmpegMemoryMib } from "@sightline/media";
import { CameraStream, findFfmpeg, parseCameraUrl, receive, type TransportChoice } from "@sightline/rtsp";
import {
  evenly,
  type FileFrame,
  type ReadFramesOptions,
  readFrames,
  type StreamSource,
} from "@sightline/yolo-nas";
import { cameraAccess } from "../camera/examine-camera.ts";
import { CliError } from "../errors.ts";

/** Source of calibration frames: exactly one of `frames` and `camera`. */
export interface FrameChoice {
  /** A folder of pictures, a video, or a camera's URL. */
  readonly frames?: string | undefined;
  /** A camera that is registered with the server. */
  readonly camera?: string | undefined;
  /** Transport for an RTSP URL; a registered camera has its own setting. */
  readonly transport: TransportChoice;
  /** Seconds between two frames taken from a camera. */
  readonly interval: number;
}

/** Whether a text is a camera's address, not a path. */
export function isCameraUrl(text: string): boolean {
  return /^(?:rtsps?|https?):\/\//i.test(text);
}

/**
 * `wanted` frames: spread evenly over a file or folder, or taken from a camera, one per interval.
 * @param cameraOf asks the server for a registered camera
 * @throws CliError, with what to do, when the choice is unclear or the camera gives no video
 */
export async function calibrationFrames(
  choice: FrameChoice,
  wanted: number,
  read: ReadFramesOptions,
  cameraOf: (name: string) => Promise<Camera>,
): Promise<FileFrame[]> {
  const { frames, camera, interval } = choice;
  if ((frames === undefined) === (camera === undefined)) {
    throw new CliError("usage", "give either --frames FOLDER|VIDEO|rtsp://… or --camera NAME");
  }
  if (frames !== undefined && !isCameraUrl(frames)) return spread(() => readFrames(frames, read), wanted);
  const { url, transport } =
    camera === undefined
      ? { url: frames!, transport: choice.transport }
      : addressOf(camera, await cameraOf(camera));
  return fromCamera(url, transport, { count: wanted, intervalSeconds: interval }, read);
}

const transportNames: Readonly<Record<number, TransportChoice>> = {
  [Transport.TCP]: "tcp",
  [Transport.UDP]: "udp",
};

function addressOf(name: string, camera: Camera): { url: string; transport: TransportChoice } {
  if (camera.hasCredentials) {
    throw new CliError(
      "usage",
      `the camera '${name}' wants a user and password, which the server never gives out; ` +
        `name its address instead: --frames ${camera.uri.replace("://", "://USER:PASSWORD@")}`,
    );
  }
  return { url: camera.uri, transport: transportNames[camera.transport] ?? "auto" };
}

/** Frames from a camera. It is received briefly first, so that a fault is reported by name. */
async function fromCamera(
  url: string,
  transport: TransportChoice,
  taken: Pick<StreamSource, "count" | "intervalSeconds">,
  read: ReadFramesOptions,
): Promise<FileFrame[]> {
  const { ffmpeg, signal = new AbortController().signal } = read;
  const target = parseCameraUrl(url);
  const { uri } = target;
  const access = cameraAccess();
  const program = ffmpeg ?? (await findFfmpeg(process.env.FFMPEG_PATH));
  const limited = { path: program, memoryMib: usualFfmpegMemoryMib };
  const reception = await receive(target, {
    ffmpeg: limited,
    transport,
    access,
    signal,
  });
  if (!reception.ok) throw new CliError("no_answer", `${uri}: ${reception.message}`);
  const { width, height, interlaced } = reception;
  const stream = await CameraStream.open(
    target,
    { transport, videoTrack: 0, access, ffmpeg: limited, timeoutMs: 10_000 },
    signal,
  );
  try {
    const facts = { display: { width, height }, interlaced };
    const { inputArguments } = stream;
    const feed = (stdin: Writable) => stream.feed(stdin);
    const source = { name: uri, facts, inputArguments, feed, ...taken };
    return await Array.fromAsync(readFrames(source, read));
  } finally {
    await stream.stop();
  }
}

/** Frames spread over a source: they are counted first, since a video does not give its number of frames. */
async function spread(open: () => AsyncIterable<FileFrame>, wanted: number): Promise<FileFrame[]> {
  let total = 0;
  for await (const _ of open()) total += 1;
  const indices = Array.from({ length: total }, (_, index) => index);
  const chosen = new Set(evenly(indices, wanted));
  const frames: FileFrame[] = [];
  for await (const frame of open()) if (chosen.has(frame.index)) frames.push(frame);
  return frames;
}
