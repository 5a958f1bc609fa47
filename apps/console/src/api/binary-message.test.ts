import { describe, expect, it } from "vitest";
import { parsePictureMessage } from "./binary-message.ts";

function message(head: string, jpeg: number[]): ArrayBuffer {
  const text = new TextEncoder().encode(head);
  const bytes = new Uint8Array(4 + text.length + jpeg.length);
  new DataView(bytes.buffer).setUint32(0, text.length, true);
  bytes.set(text, 4);
  bytes.set(jpeg, 4 + text.length);
  return bytes.buffer;
}

describe("picture message", () => {
  const head = { camera: "tür", epoch: "e", number: 7, captureTimeMs: 1, latencyMs: 2, detections: [] };

  it("yields head and JPEG", () => {
    const parsed = parsePictureMessage(message(JSON.stringify(head), [0xff, 0xd8, 0xff]));
    expect(parsed?.head).toEqual(head);
    expect([...(parsed?.jpeg ?? [])]).toEqual([0xff, 0xd8, 0xff]);
  });

  it("is refused when cut off, without picture, or with a head that is not one", () => {
    expect(parsePictureMessage(new ArrayBuffer(2))).toBeUndefined();
    expect(parsePictureMessage(message(JSON.stringify(head), []))).toBeUndefined();
    expect(parsePictureMessage(message("{", [1]))).toBeUndefined();
    expect(parsePictureMessage(message('{"camera":1}', [1]))).toBeUndefined();
    const wrong = message(JSON.stringify(head), [1]);
    new DataView(wrong).setUint32(0, 0xffffffff, true);
    expect(parsePictureMessage(wrong)).toBeUndefined();
  });
});
