import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseCameraUri } from "./camera-uri.ts";

describe("what is accepted", () => {
  test.each([
    ["rtsp://10.0.0.5/live", "rtsp://10.0.0.5/live", undefined],
    ["RTSPS://cam-1.example:322/a?x=1&y=2", "rtsps://cam-1.example:322/a?x=1&y=2", undefined],
    ["rtsp://[fe80::1]:8554/x", "rtsp://[fe80::1]:8554/x", undefined],
    ["rtsp://admin:s3cret@cam/x", "rtsp://cam/x", { username: "admin", password: "s3cret" }],
    ["rtsp://a:p%40%2Fss@cam", "rtsp://cam", { username: "a", password: "p@/ss" }],
    ["rtsp://a:p@ss:w@cam/x", "rtsp://cam/x", { username: "a", password: "p@ss:w" }],
    ["rtsp://admin@cam/x", "rtsp://cam/x", { username: "admin", password: "" }],
    ["rtsp://@cam/x", "rtsp://cam/x", null],
    ["HTTP://u:p%40@cam:8080/a.m3u8?x=1", "http://cam:8080/a.m3u8?x=1", { username: "u", password: "p@" }],
    ["https://cam/mjpeg", "https://cam/mjpeg", undefined],
    ["file:///clips/a%20b.mp4", "file:///clips/a%20b.mp4", null],
  ])("%s", (text, uri, secret) => {
    expect(parseCameraUri(text)).toEqual({ uri, secret });
  });
});

describe("what is refused, and why", () => {
  test.each([
    ["", "empty"],
    ["ftp://cam/x", "does not begin with rtsp://"],
    ["file://host/x", "file:///FOLDER/FILE"],
    ["file:relative", "file:///FOLDER/FILE"],
    ["rtsp:///x", "host"],
    ["rtsp://cam:99999/x", "cannot be parsed"],
    ["rtsp://cam:0/x", "port 0"],
    ["rtsp://cam;rm -rf/x", "space"],
    ["rtsp://-listen/x", "host"],
    ["rtsp://a:100%@cam/x", "%25"],
    ["rtsp://a:x%0d%0aHeader:1@cam/x", "control character"],
    ["rtsp://:p@cam/x", "no user"],
    [`rtsp://cam/${"x".repeat(3000)}`, "longer than"],
    ["rtsp://a:pass/word@cam/x", "%2F"],
    ["rtsp://a:pass#word@cam/x", "%23"],
  ])("%s", (text, why) => {
    expect(() => parseCameraUri(text)).toThrow(
      expect.objectContaining({ code: "invalid_argument", message: expect.stringContaining(why) }),
    );
  });
});

test("property: a password shows neither in the stored URL nor in an error, whatever is in it", () => {
  const marker = "S3cretMark";
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), fc.string({ unit: "grapheme-ascii" }), (before, after) => {
      const text = `rtsp://admin:${before}${marker}${after}@camera.example/live`;
      try {
        const { uri } = parseCameraUri(text);
        expect(uri).toBe("rtsp://camera.example/live");
      } catch (error) {
        expect(error).toMatchObject({ code: "invalid_argument" });
        expect((error as Error).message.toLowerCase()).not.toContain(marker.toLowerCase());
      }
    }),
    { numRuns: 500 },
  );
});
