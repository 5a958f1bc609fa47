import { runFfmpeg } from "@sightline/media";
import { findFfmpeg } from "../ffmpeg-program.ts";

/** AAC-LC to play in a loop. */
export interface SoundClip {
  /** AudioSpecificConfig. */
  config: Buffer;
  sampleRate: number;
  /** Frames without headers; each has 1,024 samples. */
  frames: readonly Buffer[];
  /** Time of the first frame in seconds: an encoder starts before the sound. */
  startsAt: number;
  /** Seconds of one round. */
  duration: number;
}

const frameSamples = 1024;

/** Encodes the output of ffmpeg's arguments as AAC with this sample rate and number of channels. @throws when ffmpeg fails */
export async function readSound(
  input: readonly string[],
  { sampleRate = 48_000, channels = 1 }: { sampleRate?: number; channels?: number } = {},
): Promise<SoundClip> {
  const encode = ["-c:a", "aac", "-b:a", "64k", "-ar", String(sampleRate), "-ac", String(channels)];
  const stdout = await runFfmpeg(await findFfmpeg(process.env.FFMPEG_PATH), [
    ...["-nostdin", "-loglevel", "error", ...input, ...encode, "-f", "adts", "pipe:1"],
  ]);
  const frames: Buffer[] = [];
  for (let at = 0; at + 7 <= stdout.length; ) {
    // ISO/IEC 13818-7, 6.2: with a checksum the header has two more bytes.
    const head = (stdout[at + 1]! & 1) === 1 ? 7 : 9;
    const bytes = ((stdout[at + 3]! & 3) << 11) | (stdout[at + 4]! << 3) | (stdout[at + 5]! >> 5);
    frames.push(stdout.subarray(at + head, at + bytes));
    at += bytes;
  }
  const [, , second = 0, third = 0] = stdout;
  const type = (second >> 6) + 1;
  const rateIndex = (second >> 2) & 0x0f;
  const channelCount = ((second & 1) << 2) | (third >> 6);
  const config = Buffer.from([(type << 3) | (rateIndex >> 1), ((rateIndex & 1) << 7) | (channelCount << 3)]);
  const startsAt = -frameSamples / sampleRate;
  return { config, sampleRate, frames, startsAt, duration: (frames.length * frameSamples) / sampleRate };
}
