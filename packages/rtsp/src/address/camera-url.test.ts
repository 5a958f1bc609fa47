import { expect, test } from "vitest";
import { RtspUrlError } from "../errors.ts";
import { parseRtspUrl } from "./camera-url.ts";

test("splits address and credentials", () => {
  expect(parseRtspUrl("rtsp://admin:p%40ss%3A@cam.example:8554/live?x=1")).toEqual({
    uri: "rtsp://cam.example:8554/live?x=1",
    host: "cam.example",
    port: 8554,
    tls: false,
    credentials: { username: "admin", password: "p@ss:" },
  });
});

test.each([
  ["rtsp://cam/a", { port: 554, tls: false, credentials: undefined }],
  ["rtsps://cam/a", { port: 322, tls: true }],
  ["RTSP://[::1]:8554/a", { host: "::1", port: 8554 }],
  ["rtsp://user@cam/a", { credentials: { username: "user", password: "" } }],
])("reads %s", (text, expected) => {
  expect(parseRtspUrl(text)).toMatchObject(expected);
});

test.each([
  "http://secret@cam/",
  "file:///secret",
  "-i secret",
  "rtsp://",
  "rtsp://cam:0/secret",
  "rtsp://cam:99999/secret",
  "rtsp://a:se/cret@cam/",
  "rtsp://a:secret%@cam/",
  "rtsp://cam/a b?secret",
  "rtsp://cam/secret\nfile 'x'",
])("refuses %j without repeating it", (text) => {
  expect(() => parseRtspUrl(text)).toThrow(RtspUrlError);
  expect(() => parseRtspUrl(text)).not.toThrow(/secret/);
});
