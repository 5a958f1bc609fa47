import { CameraReason } from "@sightline/contracts";
import { type Decoding, decodeChoices } from "@sightline/media";
import type { Reception } from "@sightline/rtsp";
import { Command, Option } from "commander";
import { number } from "../camera/camera-options.ts";
import { examine, type ProbeOptions } from "../camera/examine-camera.ts";

/** A camera that gives no usable video; the message is one line for the user. */
class ProbeFailedError extends Error {
  override readonly name = "ProbeFailedError";
}

interface ProbeCommandOptions extends ProbeOptions {
  json: boolean;
}

function reasonName(reason: CameraReason): string {
  const name = Object.entries(CameraReason).find(([, value]) => value === reason)?.[0];
  return (name ?? "unspecified").toLowerCase();
}

function resultOf(reception: Reception, decoding: Decoding | undefined) {
  if (!reception.ok)
    return { ok: false as const, reason: reasonName(reception.reason), message: reception.message };
  const { codec, width, height, framesPerSecond, transport, firstPictureMs, offer } = reception;
  return {
    ok: true as const,
    codec,
    width,
    height,
    fps: Math.round((framesPerSecond ?? offer.video.framesPerSecond ?? 0) * 100) / 100,
    transport,
    videoTracks: offer.videoTracks,
    decoder: decoding?.decoder ?? "software",
    decoderNote: decoding?.note ?? "",
    firstPictureMs: Math.round(firstPictureMs),
  };
}

/** `sightline camera probe`: what a camera sends, or why it does not; no server is needed. */
export function cameraProbeCommand(): Command {
  return new Command("probe")
    .description("tell what a camera sends, or why it does not")
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
    .action(async (url: string, options: ProbeCommandOptions) => {
      const { target, reception, decoding } = await examine(url, options);
      const result = resultOf(reception, decoding);
      if (options.json) {
        console.log(JSON.stringify({ uri: target.uri, ...result }));
        if (!result.ok) process.exitCode = 1;
      } else if (result.ok) {
        const { codec, width, height, fps, transport, videoTracks, firstPictureMs } = result;
        const others =
          videoTracks > 1
            ? `; this is track ${options.videoTrack || 1} of ${videoTracks}, --video-track N takes another`
            : "";
        console.log(
          `${target.uri}: ${codec} ${width}x${height}, ${fps > 0 ? `${fps} fps` : "frame rate not known"}, over ${transport}; first picture after ${firstPictureMs} ms${others}`,
        );
        const why = result.decoderNote === "" ? "" : ` (${result.decoderNote})`;
        console.log(`an ingest here would decode it with ${result.decoder}${why}`);
      } else throw new ProbeFailedError(`${target.uri}: ${result.message}`);
    });
}
