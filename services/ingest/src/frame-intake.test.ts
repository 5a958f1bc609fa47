import { DropReason } from "@sightline/contracts";
import fc from "fast-check";
import { expect, test } from "vitest";
import { FrameIntake } from "./frame-intake.ts";
import { Ledger } from "./ledger.ts";

function intake() {
  const ledger = new Ledger();
  return { ledger, intake: new FrameIntake(ledger) };
}

test("numbers frames in the order of arrival and keeps their arrival and time", () => {
  const { ledger, intake: frames } = intake();
  frames.packet(0, true, 10);
  frames.decoded(0, 640, 480, 12);
  frames.sampled();
  // Packets are reported to the millisecond, pictures exactly.
  frames.packet(33_000, false, 43);
  frames.decoded(33_367, 640, 480, 45);
  frames.sampled();
  expect([frames.pixels(), frames.pixels()]).toEqual([
    { number: 1, arrivedAt: 10, arrivalSource: "report", ptsUs: 0, sourceWidth: 640, sourceHeight: 480 },
    { number: 2, arrivedAt: 43, arrivalSource: "report", ptsUs: 33_367, sourceWidth: 640, sourceHeight: 480 },
  ]);
  expect(ledger.snapshot()).toEqual({ captured: 2, inferred: 0, dropped: [], inFlight: 2 });
});

test("counts nothing before the first key frame, and a frame in parts once", () => {
  const { ledger, intake: frames } = intake();
  expect(frames.packet(0, false, 0)).toBe(false);
  expect(frames.packet(100_000, true, 1)).toBe(true);
  expect(frames.packet(100_000, false, 2)).toBe(false);
  expect(ledger.captured).toBe(1);
});

test.each([
  ["stands still", (i: number) => 0 * i],
  ["comes in pairs", (i: number) => Math.floor(i / 2) * 200_000],
  ["jumps back and ahead", (i: number) => (i % 5 === 3 ? i * 100_000 + 3.8e10 : i * 100_000)],
])("every picture is a frame with the arrival of its own packet where the time %s", (_, timeOf) => {
  const { ledger, intake: frames } = intake();
  for (let i = 0; i < 200; i++) {
    const counted = frames.packet(timeOf(i), i % 10 === 0, i);
    expect(frames.decoded(timeOf(i), 2, 2, i + 0.5)).toBe(!counted);
    frames.sampled();
    expect(frames.pixels()).toMatchObject({ number: i + 1, arrivedAt: i });
    ledger.infer(i + 1);
  }
  expect(ledger.snapshot()).toEqual({ captured: 200, inferred: 200, dropped: [], inFlight: 0 });
});

test("the first packet, whose time comes later, is the first picture's", () => {
  const { ledger, intake: frames } = intake();
  frames.packet(undefined, true, 1);
  expect(frames.decoded(0, 2, 2, 2)).toBe(false);
  frames.sampled();
  expect(frames.pixels()).toMatchObject({ number: 1, arrivedAt: 1 });
  expect(ledger.captured).toBe(1);
});

test("fields are counted once however many frames come", () => {
  const { ledger, intake: frames } = intake();
  for (let i = 0; i < 200; i++) {
    for (const part of [0, 1]) frames.packet(i * 40_000, true, i * 2 + part);
    frames.decoded(i * 40_000, 2, 2, i * 2 + 1);
  }
  frames.end(DropReason.CAMERA_STOPPED);
  expect(ledger.snapshot()).toMatchObject({ captured: 200, dropped: [{ count: 200 }] });
});

test("a picture that did not pass the sampler is sampled out when the next report comes", () => {
  const { ledger, intake: frames } = intake();
  frames.packet(0, true, 0);
  frames.decoded(0, 2, 2, 0);
  expect(ledger.inFlight).toBe(1);
  frames.packet(100_000, false, 1);
  expect(ledger.dropped(DropReason.SAMPLED_OUT)).toBe(1);
  expect(frames.awaitsPixels).toBe(false);
});

test("packets that come ahead of their pictures are told apart by the decoder's times, whatever the stream's own", () => {
  const { ledger, intake: frames } = intake();
  const own = [0, 0, 0, 3.6e9, 200_000];
  const decoder = [0, 11, 22, 3.6e9, 200_000];
  for (const [i, ptsUs] of own.entries()) frames.packet(ptsUs, i === 0, i, "packets", decoder[i]);
  for (const ptsUs of decoder) {
    frames.decoded(ptsUs, 2, 2, 9);
    // Between the two reports of a picture another packet may come.
    frames.packet(9e9 + ptsUs, false, 10, "packets");
    frames.sampled();
  }
  const given = own.map(() => frames.pixels());
  expect(given.map((frame) => frame?.arrivedAt)).toEqual([0, 1, 2, 3, 4]);
  expect(given.map((frame) => frame?.ptsUs)).toEqual(own);
  expect(ledger.snapshot().dropped).toEqual([]);
});

test("a packet without a picture is a decode error once a later picture comes", () => {
  const { ledger, intake: frames } = intake();
  for (const pts of [0, 100_000, 200_000]) frames.packet(pts, true, pts);
  frames.decoded(200_000, 2, 2, 0);
  frames.sampled();
  expect(ledger.dropped(DropReason.DECODE_ERROR)).toBe(2);
  expect(frames.pixels()?.number).toBe(3);
});

test("frames that arrive out of the order of their times are matched all the same", () => {
  const { ledger, intake: frames } = intake();
  // I P B B: the P frame is sent before the two that are shown before it.
  for (const pts of [0, 300_000, 100_000, 200_000]) frames.packet(pts, pts === 0, pts);
  for (const pts of [0, 100_000, 200_000, 300_000]) {
    frames.decoded(pts, 2, 2, 0);
    frames.sampled();
  }
  expect([1, 2, 3, 4].map(() => frames.pixels()?.number)).toEqual([1, 3, 4, 2]);
  expect(ledger.dropped(DropReason.DECODE_ERROR)).toBe(0);
});

test("a decoder that gives nothing does not keep frames for ever", () => {
  const { ledger, intake: frames } = intake();
  for (let i = 0; i < 200; i++) frames.packet(i * 100_000, true, i);
  expect(ledger.inFlight).toBe(64);
  expect(ledger.dropped(DropReason.DECODE_ERROR)).toBe(136);
});

test("packets that wait for a decoder that starts are not given up", () => {
  const { ledger, intake: frames } = intake();
  for (let i = 0; i < 500; i++) frames.packet(i * 100_000, i === 0, i, "packets");
  for (let i = 0; i < 500; i++) frames.decoded(i * 100_000, 2, 2, 900);
  frames.end(DropReason.CAMERA_STOPPED);
  expect(ledger.snapshot()).toMatchObject({ captured: 500 });
  expect(ledger.dropped(DropReason.DECODE_ERROR)).toBe(0);
});

test("pixels of a picture that no packet announced belong to nobody", () => {
  const { intake: frames } = intake();
  frames.decoded(5, 2, 2, 0);
  frames.sampled();
  expect(frames.awaitsPixels).toBe(true);
  expect(frames.pixels()).toBeUndefined();
});

const step = fc.oneof(
  fc.record({ kind: fc.constant("packet" as const), pts: fc.nat(20), key: fc.boolean() }),
  fc.record({ kind: fc.constant("decoded" as const), pts: fc.nat(20) }),
  fc.record({ kind: fc.constantFrom("sampled" as const, "pixels" as const) }),
);

test("whatever is reported, every counted frame is accounted for, and none is open at the end", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 100 }), (steps) => {
      const { ledger, intake: frames } = intake();
      const delivered = new Set<number>();
      for (const [i, each] of steps.entries()) {
        if (each.kind === "packet") frames.packet(each.pts * 1000, each.key, i);
        else if (each.kind === "decoded") frames.decoded(each.pts * 1000, 2, 2, 0);
        else if (each.kind === "sampled") frames.sampled();
        else {
          const frame = frames.pixels();
          if (frame) {
            expect(delivered.has(frame.number)).toBe(false);
            delivered.add(frame.number);
            expect(ledger.infer(frame.number)).toBe(true);
          }
        }
      }
      frames.end(DropReason.CAMERA_STOPPED);
      const { captured, inferred, dropped, inFlight } = ledger.snapshot();
      expect(inFlight).toBe(0);
      expect(captured).toBe(inferred + dropped.reduce((sum, { count }) => sum + count, 0));
    }),
  );
});
