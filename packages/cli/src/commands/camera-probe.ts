import { CameraReason, enumName } from "@sightline/contracts";
import { type Decoding, decodeChoices } from "@sightline/media";
import type { Reception } from "@sightline/rtsp";
import { Command, Option } from "commander";
import { number } from "../camera/camera-options.ts";
import { type ExamineOptions, examine } from "../camera/examine-camera.ts";
import { CliError } from "../errors.ts";

interface ProbeCommandOptions extends ExamineOptions {
  recordUri?: string;
  json: boolean;
}

type ProbeResult = ReturnType<typeof resultOf>;

function resultOf(reception: Reception, decoding: Decoding | undefined) {
  if (!reception.ok)
    return {
      ok: false as const,
      reason: enumName(CameraReason, reception.reason) || "unspecified",
      message: reception.message,
    };
  const { codec, width, height, framesPerSecond, transport, firstPictureMs, offer } = reception;
  return {
    ok: true as const,
    codec,
    width,
    height,
    fps: Math.round((framesPerSecond ?? offer.video.framesPerSecond ?? 0) * 100) / 100,
    transport,
    videoTracks: offer.videoTracks,
    sound: offer.sound?.codec ?? "",
    soundFault: offer.sound?.fault ?? "",
    decoder: decoding?.decoder ?? "software",
    decoderNote: decoding?.note ?? "",
    firstPictureMs: Math.round(firstPictureMs),
  };
}

/** `sightline camera probe`: what a camera sends, or why it does not; no server is needed. */
export function cameraProbeCommand(): Command {
  return new Command("probe")
    .description("say what a camera sends, or why it sends nothing")
    .argument(
      "<url>",
      "rtsp, rtsps, http or https URL (MJPEG, HLS), or file:///, with user and password if the camera wants them",
    )
    .addOption(
      new Option("--transport <protocol>", "how video travels")
        .choices(["auto", "tcp", "udp"])
        .default("auto"),
    )
    .option("--video-track <n>", "video track to take where the stream has several", number, 1)
    .addOption(
      new Option("--decode <what>", "what an ingest on this machine would be asked to decode it with")
        .choices(decodeChoices)
        .default("auto"),
    )
    .option("--json", "print one JSON object", false)
    .option("--record-uri <url>", "look at the stream that is to be recorded too")
    .action(async (url: string, options: ProbeCommandOptions) => {
      const analysed = await probed(url, options);
      const { recordUri } = options;
      const recorded =
        recordUri === undefined ? undefined : await probed(recordUri, { ...options, videoTrack: 0 });
      const results = [analysed, ...(recorded ? [recorded] : [])];
      if (options.json) {
        const { uri, result } = analysed;
        const record = recorded && { uri: recorded.uri, ...recordable(recorded) };
        console.log(JSON.stringify({ uri, ...result, ...(record && { record }) }));
        if (results.some((each) => !each.result.ok) || (record && !record.ok)) process.exitCode = 1;
        return;
      }
      for (const { uri, result } of results)
        if (result.ok) console.log(`${uri}: ${wordsOf(result, options)}`);
      if (analysed.result.ok) {
        const { decoder, decoderNote } = analysed.result;
        const why = decoderNote === "" ? "" : ` (${decoderNote})`;
        console.log(`an ingest here would decode it with ${decoder}${why}`);
      }
      const checked = [analysed, ...(recorded ? [{ ...recorded, result: recordable(recorded) }] : [])];
      const faults = checked.flatMap(({ uri, result }) => (result.ok ? [] : `${uri}: ${result.message}`));
      if (faults.length > 0) throw new CliError("no_answer", faults.join("\n"));
    });
}

async function probed(url: string, options: ExamineOptions) {
  const { target, reception, decoding } = await examine(url, options);
  const result = resultOf(reception, decoding);
  return { uri: target.uri, result, sdpCodec: reception.ok ? reception.offer.video.codec : "" };
}

/** In SDP's form. */
const recordedCodecs = ["H264", "H265"];

/** The probe result for a stream to be recorded; a codec that cannot be recorded is a fault. */
function recordable({ result, sdpCodec }: Awaited<ReturnType<typeof probed>>): ProbeResult {
  if (!result.ok || recordedCodecs.includes(sdpCodec)) return result;
  const reason = enumName(CameraReason, CameraReason.UNSUPPORTED_CODEC);
  return {
    ok: false,
    reason,
    message: `${result.codec} cannot be recorded; set the stream to H.264 or H.265`,
  };
}

function wordsOf(result: Extract<ProbeResult, { ok: true }>, { videoTrack }: ExamineOptions): string {
  const { codec, width, height, fps, transport, videoTracks, sound, soundFault, firstPictureMs } = result;
  const heard = soundFault !== "" ? `; ${soundFault}` : sound !== "" ? `; sound: ${sound}` : "";
  const rate = fps > 0 ? `${fps} fps` : "frame rate not known";
  const others =
    videoTracks > 1
      ? `; this is track ${videoTrack || 1} of ${videoTracks}, --video-track N takes another`
      : "";
  return `${codec} ${width}x${height}, ${rate}, over ${transport}; first picture after ${firstPictureMs} ms${others}${heard}`;
}
