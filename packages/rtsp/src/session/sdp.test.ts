import { expect, test } from "vitest";
import { parseSdp as parse, type SdpVideo } from "./sdp.ts";

function parseSdp(text: string): SdpVideo | undefined {
  const [track] = parse(text).tracks;
  if (!track) return undefined;
  const { codec, width, height, framesPerSecond } = track;
  return { codec, width, height, framesPerSecond };
}

const sdp = (...lines: string[]) => ["v=0", "o=- 1 1 IN IP4 0.0.0.0", "s=x", "t=0 0", ...lines].join("\r\n");

test("reads codec, frame rate and, from the parameter set, the size of H.264", () => {
  // As GStreamer describes an H.264 stream of 768×576, High profile.
  const parameters = "Z2QAH6yzAYAk0IAAAAMAgAAACgeMGTQ=,aOlwXLIs";
  const video = parseSdp(
    sdp(
      "m=audio 0 RTP/AVP 8",
      "a=rtpmap:8 PCMA/8000",
      "m=video 0 RTP/AVP 96",
      "a=rtpmap:96 H264/90000",
      `a=fmtp:96 packetization-mode=1;sprop-parameter-sets=${parameters}`,
      "a=framerate:12.5",
    ),
  );
  expect(video).toEqual({ codec: "H264", width: 768, height: 576, framesPerSecond: 12.5 });
});

test("takes the size from x-dimensions where no parameter set tells it", () => {
  expect(parseSdp(sdp("m=video 0 RTP/AVP 97", "a=rtpmap:97 H265/90000", "a=x-dimensions:1920,1080"))).toEqual(
    { codec: "H265", width: 1920, height: 1080, framesPerSecond: undefined },
  );
});

test("knows static payload types, and that other media's attributes are not the video's", () => {
  expect(parseSdp(sdp("m=video 0 RTP/AVP 26", "m=audio 0 RTP/AVP 0", "a=framerate:99"))).toEqual({
    codec: "JPEG",
    width: undefined,
    height: undefined,
    framesPerSecond: undefined,
  });
});

test.each([
  ["sound only", sdp("m=audio 0 RTP/AVP 0")],
  ["nothing", ""],
])("finds no video in %s", (_, text) => {
  expect(parseSdp(text)).toBeUndefined();
});

test("a broken parameter set or frame rate is an unknown size and rate", () => {
  const text = sdp(
    "m=video 0 RTP/AVP 96",
    "a=rtpmap:96 H264/90000",
    "a=fmtp:96 sprop-parameter-sets=Z2Q=",
    "a=framerate:fast",
  );
  expect(parseSdp(text)).toEqual({
    codec: "H264",
    width: undefined,
    height: undefined,
    framesPerSecond: undefined,
  });
});

test("tells each video track with what it takes to set it up and to decode it, and no more", () => {
  const description = parse(
    sdp(
      "a=control:rtsp://cam/all",
      "m=video 0 RTP/AVP 96 97",
      "c=IN IP4 169.254.169.254",
      "a=rtpmap:96 H264/90000",
      "a=rtpmap:97 H265/90000",
      "a=fmtp:96 packetization-mode=1",
      "a=control:track1",
      "a=x-evil:1",
      "m=audio 0 RTP/AVP 0",
      "a=control:track2",
      "m=video 0 RTP/AVP 26",
      "a=control:track3",
      "a=framerate:5",
    ),
  );
  expect(description.control).toBe("rtsp://cam/all");
  expect(description.tracks).toMatchObject([
    {
      codec: "H264",
      payloadType: "96",
      control: "track1",
      attributes: ["a=rtpmap:96 H264/90000", "a=fmtp:96 packetization-mode=1"],
    },
    { codec: "JPEG", payloadType: "26", control: "track3", attributes: ["a=framerate:5"] },
  ]);
});
