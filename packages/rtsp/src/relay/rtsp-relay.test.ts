import { expect, test } from "vitest";
import { inputArguments, inputScript } from "./rtsp-relay.ts";

test("tells ffmpeg the relay's address by the script alone, and lets it open nothing else", () => {
  expect(inputScript("rtsp://127.0.0.1:1234/secret").split("\n")).toEqual([
    "ffconcat version 1.0",
    "file 'rtsp://127.0.0.1:1234/secret'",
    "option rtsp_transport tcp",
    "option allowed_media_types video",
    "option probesize 32",
    "option analyzeduration 0",
    "",
  ]);
  expect(inputArguments.join(" ")).not.toContain("rtsp://");
  expect(inputArguments[inputArguments.indexOf("-protocol_whitelist") + 1]).toBe("pipe,rtsp,tcp");
});
