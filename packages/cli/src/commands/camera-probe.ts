import { CameraReason } from "@sightline/contracts";
import { findFfmpeg, parseRtspUrl, probe, type Reception, type RtspProbe, receive } from "@sightline/rtsp";
import { Command, Option } from "commander";
import { cameraAccess } from "../camera/camera-access.ts";

type Transport = "tcp" | "udp";

/** A camera that gives no usable video; the message is one line for the user. */
class ProbeFailedError extends Error {
  override readonly name = "ProbeFailedError";
}

/** Asks the camera what it offers, then receives a few pictures as proof. */
async function examine(url: string, transport: Transport) {
  const target = parseRtspUrl(url);
  const access = cameraAccess();
  const offer = await probe(target, { access });
  if (!offer.ok) return { target, offer, reception: undefined };
  const ffmpeg = await findFfmpeg(process.env.FFMPEG_PATH);
  return { target, offer, reception: await receive(target, { ffmpeg, transport, access }) };
}

function reasonName(reason: CameraReason): string {
  const name = Object.entries(CameraReason).find(([, value]) => value === reason)?.[0];
  return (name ?? "unspecified").toLowerCase();
}

function resultOf(offer: RtspProbe, reception: Reception | undefined, transport: Transport) {
  const last = offer.ok && reception ? reception : offer;
  if (!last.ok) return { ok: false as const, reason: reasonName(last.reason), message: last.message };
  if (!reception?.ok || !offer.ok) throw new Error("a camera that was reached was not received");
  return {
    ok: true as const,
    codec: reception.codec,
    width: reception.width,
    height: reception.height,
    fps: Math.round((reception.framesPerSecond ?? offer.video.framesPerSecond ?? 0) * 100) / 100,
    transport,
    firstPictureMs: Math.round(reception.firstPictureMs),
  };
}

/** `sightline camera probe`: what a camera sends, or why it does not; no server is needed. */
export function cameraProbeCommand(): Command {
  return new Command("probe")
    .description("tell what a camera sends, or why it does not")
    .argument("<url>", "rtsp:// or rtsps:// URL, with user and password if the camera wants them")
    .addOption(
      new Option("--transport <protocol>", "how video travels").choices(["tcp", "udp"]).default("tcp"),
    )
    .option("--json", "print one JSON object", false)
    .action(async (url: string, options: { transport: Transport; json: boolean }) => {
      const { target, offer, reception } = await examine(url, options.transport);
      const result = resultOf(offer, reception, options.transport);
      if (options.json) {
        console.log(JSON.stringify({ uri: target.uri, ...result }));
        if (!result.ok) process.exitCode = 1;
      } else if (result.ok) {
        const { codec, width, height, fps, transport, firstPictureMs } = result;
        console.log(
          `${target.uri}: ${codec} ${width}x${height}, ${fps} fps, over ${transport}; first picture after ${firstPictureMs} ms`,
        );
      } else throw new ProbeFailedError(`${target.uri}: ${result.message}`);
    });
}
