import type { SdpTrack } from "../session/sdp.ts";

/** More than any parameter sets. */
const mostAttributeBytes = 32 * 1024;

/** Name of the one track in its description. */
export const relayTrack = "video";

/**
 * A description of one track for ffmpeg: its payload, and nothing else of what the camera said. Addresses, other tracks and
 * unknown attributes stay out, and so do characters that have a meaning to no attribute.
 */
export function relayDescription({ payloadType, attributes }: SdpTrack): string {
  let room = mostAttributeBytes;
  const kept = attributes.filter((line) => {
    room -= line.length;
    return room >= 0 && /^[ -~]+$/.test(line);
  });
  const head = ["v=0", "o=- 0 0 IN IP4 127.0.0.1", "s=relay", "c=IN IP4 0.0.0.0", "t=0 0"];
  const media = [`m=video 0 RTP/AVP ${payloadType}`, ...kept, `a=control:${relayTrack}`];
  return [...head, ...media, ""].join("\r\n");
}
