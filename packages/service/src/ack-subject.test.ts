import { expect, test } from "vitest";
import { parseAckSubject } from "./ack-subject.ts";

test("acknowledgement subjects are read in both their forms", () => {
  const expected = {
    stream: "EVENTS",
    consumer: "sub-a",
    deliveries: 2,
    streamSequence: 31,
    storedNanos: 1_700_000_000_000_000_000n,
    pending: 5,
  };
  expect(parseAckSubject("$JS.ACK.EVENTS.sub-a.2.31.7.1700000000000000000.5")).toEqual(expected);
  expect(parseAckSubject("$JS.ACK.hub.ACC.EVENTS.sub-a.2.31.7.1700000000000000000.5")).toEqual(expected);
  expect(parseAckSubject("$JS.ACK.hub.ACC.EVENTS.sub-a.2.31.7.1700000000000000000.5.xyz")).toEqual(expected);
});

test.each([undefined, "", "events.front.1", "$JS.ACK.EVENTS", "$JS.ACK.EVENTS.sub-a.x.y.z.t.p"])(
  "%s is none",
  (subject) => expect(parseAckSubject(subject)).toBeUndefined(),
);
