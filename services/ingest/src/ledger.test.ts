import { DropReason, dropReasons } from "@sightline/contracts";
import fc from "fast-check";
import { expect, test } from "vitest";
import { Ledger } from "./ledger.ts";

const event = fc.oneof(
  fc.record({ kind: fc.constant("capture" as const) }),
  fc.record({ kind: fc.constant("infer" as const), number: fc.nat(30) }),
  fc.record({
    kind: fc.constant("drop" as const),
    number: fc.nat(30),
    reason: fc.constantFrom(...dropReasons),
  }),
);

test("balances after every event, whatever the order, and agrees with a list of frames", () => {
  fc.assert(
    fc.property(fc.array(event, { maxLength: 200 }), (events) => {
      const ledger = new Ledger();
      const fates: (DropReason | "open" | "inferred")[] = [];
      for (const happening of events) {
        if (happening.kind === "capture") {
          fates.push("open");
          expect(ledger.capture()).toBe(fates.length);
        } else {
          const index = happening.number - 1;
          const open = fates[index] === "open";
          if (happening.kind === "infer") {
            expect(ledger.infer(happening.number)).toBe(open);
            if (open) fates[index] = "inferred";
          } else {
            expect(ledger.drop(happening.number, happening.reason)).toBe(open);
            if (open) fates[index] = happening.reason;
          }
        }
        const { captured, inferred, dropped, inFlight } = ledger.snapshot();
        const total = dropped.reduce((sum, { count }) => sum + count, 0);
        expect(captured).toBe(inferred + total + inFlight);
        const count = (fate: unknown) => fates.filter((each) => each === fate).length;
        expect({ captured, inferred, inFlight }).toEqual({
          captured: fates.length,
          inferred: count("inferred"),
          inFlight: count("open"),
        });
        for (const reason of dropReasons) expect(ledger.dropped(reason)).toBe(count(reason));
      }
    }),
  );
});

test("its snapshot names only the reasons that occurred", () => {
  const ledger = new Ledger();
  ledger.drop(ledger.capture(), DropReason.STALE);
  expect(ledger.snapshot().dropped).toEqual([{ reason: DropReason.STALE, count: 1 }]);
});
