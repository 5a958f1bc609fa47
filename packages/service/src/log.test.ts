import { expect, test, vi } from "vitest";
import { createLogger, redact } from "./log.ts";

test("an error is logged whole: its code and stack, and those of its causes, without a password", () => {
  const lines: string[] = [];
  const write = vi.spyOn(process.stderr, "write").mockImplementation((line) => lines.push(String(line)) > 0);
  try {
    const refused = Object.assign(new Error("connect to rtsp://admin:secret@camera.lan/1"), {
      code: "ECONNREFUSED",
    });
    const cause = new TypeError("it cannot be received", { cause: refused });
    createLogger("test", "info").warn({ camera: "front", err: cause }, "a camera is lost");
  } finally {
    write.mockRestore();
  }
  expect(lines).toHaveLength(1);
  expect(lines[0]).not.toContain("secret");
  expect(JSON.parse(lines[0]!)).toMatchObject({
    level: "warn",
    camera: "front",
    msg: "a camera is lost",
    err: {
      type: "TypeError",
      message: "it cannot be received",
      stack: expect.stringContaining("log.test.ts"),
      cause: { code: "ECONNREFUSED", message: expect.stringContaining("camera.lan/1") },
    },
  });
});

test.each([
  ["rtsp://admin:secret@cam/1", "rtsp://***@cam/1"],
  ["Impossible to open 'rtsp://admin:se@cret@cam/1'", "Impossible to open 'rtsp://***@cam/1'"],
  ["rtsp://token@cam and rtsps://a:secret@b", "rtsp://***@cam and rtsps://***@b"],
  ["Authorization: Basic c2VjcmV0", "Authorization: Basic ***"],
  ["nats://127.0.0.1:4222 says a@b", "nats://127.0.0.1:4222 says a@b"],
])("%s", (text, expected) => {
  expect(redact(text)).toBe(expected);
});
