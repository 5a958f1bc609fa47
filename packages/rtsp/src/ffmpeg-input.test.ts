import { expect, test } from "vitest";
import { inputArguments, inputScript } from "./ffmpeg-input.ts";

const input = {
  uri: "rtsp://cam:8554/a",
  transport: "tcp",
  credentials: undefined,
  timeoutMs: 4_000,
} as const;
const fileLine = (script: string) => script.split("\n").find((line) => line.startsWith("file "));

test("tells ffmpeg the address and its options by the script alone", () => {
  expect(inputScript(input).split("\n")).toEqual([
    "ffconcat version 1.0",
    "file 'rtsp://cam:8554/a'",
    "option rtsp_transport tcp",
    "option allowed_media_types video",
    "option timeout 4000000",
    "option probesize 32",
    "option analyzeduration 0",
    "",
  ]);
  expect(inputArguments.join(" ")).not.toContain("rtsp://");
});

test.each([
  ["quotes and blanks", "it's me", "a 'b' c", "file 'rtsp://it%27s%20me:a%20%27b%27%20c@cam:8554/a'"],
  ["what a URL means something by", "a@b", "p:/?#[]", "file 'rtsp://a%40b:p%3A%2F%3F%23%5B%5D@cam:8554/a'"],
  ["a line break", "a", "x\noption safe 0", "file 'rtsp://a:x%0Aoption%20safe%200@cam:8554/a'"],
  ["what replace() means something by", "$&", "$1", "file 'rtsp://%24%26:%241@cam:8554/a'"],
])("escapes %s in user and password", (_, username, password, expected) => {
  expect(fileLine(inputScript({ ...input, credentials: { username, password } }))).toBe(expected);
});

test("a quote in the address cannot end its string", () => {
  expect(fileLine(inputScript({ ...input, uri: "rtsp://cam/a'b" }))).toBe(
    String.raw`file 'rtsp://cam/a'\''b'`,
  );
});
