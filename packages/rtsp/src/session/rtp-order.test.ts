import { expect, test } from "vitest";
import { RtpOrder } from "./rtp-order.ts";

function packet(sequence: number): Buffer {
  const head = Buffer.alloc(12);
  head.writeUInt16BE(sequence & 0xffff, 2);
  return head;
}

async function order(sequences: readonly number[]): Promise<number[]> {
  const out: number[] = [];
  const last = Promise.withResolvers<void>();
  const rtp = new RtpOrder((each) => {
    out.push(each.readUInt16BE(2));
    if (out.at(-1) === ((sequences.toSorted((a, b) => a - b).at(-1) ?? 0) & 0xffff)) last.resolve();
  });
  for (const sequence of sequences) rtp.push(packet(sequence));
  await last.promise;
  rtp.stop();
  return out;
}

test.each([
  ["in order", [1, 2, 3], [1, 2, 3]],
  ["swapped", [1, 3, 2, 4], [1, 2, 3, 4]],
  [
    "across the end of 16 bits",
    [65_534, 65_536, 65_535, 65_537],
    [65_534, 0, 65_535, 1].toSorted(endOf16Bits),
  ],
  ["twice or late", [5, 6, 6, 5, 7], [5, 6, 7]],
  ["with one lost", [1, 2, 4, 5], [1, 2, 4, 5]],
])("gives packets in order that come %s", async (_, sequences, expected) => {
  expect(await order(sequences)).toEqual(expected);
});

function endOf16Bits(a: number, b: number): number {
  return (a < 100 ? a + 65_536 : a) - (b < 100 ? b + 65_536 : b);
}

test("a camera that begins anew is followed at once", () => {
  const out: number[] = [];
  const rtp = new RtpOrder((each) => out.push(each.readUInt16BE(2)));
  for (const sequence of [10, 11, 40_000, 40_001]) rtp.push(packet(sequence));
  expect(out).toEqual([10, 11, 40_000, 40_001]);
});
