import fc from "fast-check";
import { expect, test } from "vitest";
import { cutPage, pageTokenAfter, readPage } from "./page-token.ts";

test("property: pages hold every key once, in order, even while keys come and go", () => {
  const keySet = fc.uniqueArray(fc.stringMatching(/^[a-z0-9][a-z0-9-]{0,5}$/), { maxLength: 40 });
  fc.assert(
    fc.property(keySet, keySet, fc.integer({ min: 1, max: 9 }), (kept, passing, size) => {
      const seen: string[] = [];
      let token = "";
      let round = 0;
      do {
        const now = round++ % 2 === 0 ? [...new Set([...kept, ...passing])] : kept;
        const { keys, nextPageToken } = cutPage([...now].sort(), readPage(size, token));
        expect(keys.length).toBeLessThanOrEqual(size);
        seen.push(...keys);
        token = nextPageToken;
      } while (token !== "");
      expect(seen).toEqual([...new Set(seen)].sort());
      expect(seen).toEqual(expect.arrayContaining(kept));
    }),
  );
});

test("the default size, and its bounds", () => {
  expect(readPage(0, "").size).toBe(100);
  expect(() => readPage(-1, "")).toThrow(/1 to 1000/);
  expect(() => readPage(1001, "")).toThrow(/1 to 1000/);
});

test("a token is good for the same request only", () => {
  const { nextPageToken } = cutPage(["a", "b", "c"], readPage(2, ""));
  expect(cutPage(["a", "b", "c"], readPage(2, nextPageToken))).toEqual({ keys: ["c"], nextPageToken: "" });
  for (const token of ["rubbish", nextPageToken.slice(1), Buffer.from('["1",2]').toString("base64url")])
    expect(() => readPage(2, token)).toThrow(expect.objectContaining({ code: "invalid_argument" }));
  expect(() => readPage(3, nextPageToken)).toThrow(expect.objectContaining({ code: "invalid_argument" }));
});

test("property: a token is bound to the rest of the request", () => {
  const rest = fc.jsonValue();
  fc.assert(
    fc.property(rest, rest, fc.string(), (rest, other, key) => {
      const token = pageTokenAfter(readPage(5, "", rest), key);
      expect(readPage(5, token, rest).after).toBe(key);
      fc.pre(JSON.stringify(other) !== JSON.stringify(rest));
      expect(() => readPage(5, token, other)).toThrow(expect.objectContaining({ code: "invalid_argument" }));
    }),
  );
});
