import type { Orientation } from "../display.ts";
import type { DecodingMachine } from "./decoding-machine.ts";
import type { DecodeChoice, Decoding, HardwareDecoder } from "./hardware-arguments.ts";

/** The properties of a stream that decide which decoder can decode it. */
export interface StreamToDecode {
  /** Name from SDP or ffmpeg; case does not matter. */
  readonly codec: string;
  /** Its pictures are interlaced. */
  readonly interlaced: boolean;
  /** How its pictures are turned to be upright. */
  readonly orientation?: Orientation;
  /** Decoders that failed on this stream, with the reason. */
  readonly failures?: ReadonlyMap<HardwareDecoder, string>;
}

interface HardwareWay {
  /** By SDP's and ffmpeg's names, in lower case. */
  readonly codecs: readonly string[];
  readonly scaler: string;
  /** Best first. */
  readonly deinterlacers: readonly string[];
  /** What the machine is missing; undefined when it has everything. */
  lacks(machine: DecodingMachine): string | undefined;
}

const newCodecs = ["h264", "h265", "hevc", "av1", "vp8", "vp9"];

const ways: Readonly<Record<HardwareDecoder, HardwareWay>> = {
  cuda: {
    codecs: newCodecs,
    scaler: "scale_cuda",
    deinterlacers: ["bwdif_cuda", "yadif_cuda"],
    lacks: ({ nvidia }) => (nvidia ? undefined : "no NVIDIA GPU here (/dev/nvidia0)"),
  },
  vaapi: {
    codecs: [...newCodecs, "jpeg", "mjpeg"],
    scaler: "scale_vaapi",
    deinterlacers: ["deinterlace_vaapi"],
    lacks: ({ renderNodes }) =>
      renderNodes.length > 0 ? undefined : "no GPU for VA-API here (/dev/dri/renderD128)",
  },
};

const words: Readonly<Record<HardwareDecoder, string>> = { cuda: "CUDA", vaapi: "VA-API" };

/**
 * Chooses the decoder for a stream. `auto` takes CUDA, then VA-API, then software, depending on ffmpeg, the machine and the codec. A
 * decoder that is requested by name is tried even if no device file is found, since its driver may use other files; another GPU's decoder
 * is never used instead. Software is used where the requested decoder is not possible.
 */
export function chooseDecoding(
  choice: DecodeChoice,
  stream: StreamToDecode,
  machine: DecodingMachine,
): Decoding {
  if (choice === "software") return { decoder: "software", note: "" };
  const notes: string[] = [];
  for (const decoder of choice === "auto" ? (["cuda", "vaapi"] as const) : [choice]) {
    const way = ways[decoder];
    const fault = obstacle(decoder, stream, machine) ?? (choice === "auto" ? way.lacks(machine) : undefined);
    if (fault !== undefined) {
      notes.push(`${words[decoder]}: ${fault}`);
      continue;
    }
    const deinterlacer = stream.interlaced
      ? way.deinterlacers.find((name) => machine.filters.has(name))
      : undefined;
    const [device] = decoder === "vaapi" ? machine.renderNodes : [];
    return {
      decoder,
      ...(device && { device }),
      ...(deinterlacer && { deinterlacer }),
      note: notes.join("; "),
    };
  }
  return { decoder: "software", note: notes.join("; ") };
}

function obstacle(
  decoder: HardwareDecoder,
  { codec, interlaced, orientation = 1, failures }: StreamToDecode,
  { hwaccels, filters }: DecodingMachine,
): string | undefined {
  const { codecs, scaler, deinterlacers } = ways[decoder];
  const failure = failures?.get(decoder);
  if (failure !== undefined) return failure;
  if (!hwaccels.has(decoder) || !filters.has(scaler) || !filters.has("hwdownload"))
    return `this ffmpeg was built without it (${hwaccels.has(decoder) ? scaler : `-hwaccel ${decoder}`})`;
  if (!codecs.includes(codec.toLowerCase())) return `it is not used for ${codec.toLowerCase()}`;
  if (orientation !== 1) return "it is not used for pictures that must be rotated";
  if (interlaced && !deinterlacers.some((name) => filters.has(name)))
    return `the pictures are interlaced and this ffmpeg has no ${deinterlacers.at(-1)}`;
  return undefined;
}
