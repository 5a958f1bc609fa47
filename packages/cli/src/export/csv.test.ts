import fc from "fast-check";
import { expect, test } from "vitest";
import { csvRecord } from "./record-formats.ts";

test("what needs quotes gets them, and nothing else", () => {
  expect(csvRecord(["a", 1, true, null, undefined, "x y"])).toBe("a,1,true,,,x y\r\n");
  expect(csvRecord(['say "hi"', "a,b", "two\nlines", "\r"])).toBe('"say ""hi""","a,b","two\nlines","\r"\r\n');
});

test("property: a reader of RFC 4180 gets back what was written", () => {
  const field = fc.string({ unit: fc.constantFrom("a", '"', ",", "\r", "\n", " ", "ü") });
  const records = fc.array(fc.array(field, { minLength: 2, maxLength: 5 }), { maxLength: 5 });
  fc.assert(
    fc.property(records, (records) => {
      expect(readCsv(records.map(csvRecord).join(""))).toEqual(records);
    }),
  );
});

/** A plain reader of RFC 4180. */
function readCsv(text: string): string[][] {
  const records: string[][] = [];
  let record: string[] = [];
  let at = 0;
  while (at < text.length) {
    let field = "";
    if (text[at] === '"') {
      for (at++; text[at] !== '"' || text[at + 1] === '"'; at++) {
        if (text[at] === '"') at++;
        field += text[at];
      }
      at++;
    } else while (!",\r".includes(text[at]!)) field += text[at++];
    record.push(field);
    if (text[at] === ",") at++;
    else {
      at += 2;
      records.push(record);
      record = [];
    }
  }
  return records;
}
