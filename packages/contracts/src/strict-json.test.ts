import { expect, test } from "vitest";
import { WireError } from "./errors.ts";
import { decodeUtf8, parseJson } from "./strict-json.ts";

test.each([
  ['{"a": 1, "a": 2}', 'field "a" stands twice: line 1, column 10'],
  ['{"a": {"b": [1, {"c": 1,\n "c": 2}]}}', 'field "c" stands twice: line 2, column 2'],
  ['{"a": [{"x": 1}, 2], "b": "a", "\\u0061": 3}', 'field "\\u0061" stands twice: line 1, column 32'],
  ['{"__proto__": 1, "__proto__": 2}', "stands twice"],
])("%s is refused", (text, message) => {
  expect(() => parseJson(text)).toThrow(WireError);
  expect(() => parseJson(text)).toThrow(message);
});

test("what is no JSON is refused, and what is is read as JSON.parse does", () => {
  for (const text of ["", "{", "{'a': 1}", '{"a": 1,}']) expect(() => parseJson(text)).toThrow(WireError);
  for (const value of [0, "a", null, [], {}, [{ a: ["b", { a: '"' }] }, { a: "\\" }], { "": {}, '"': ["{"] }])
    for (const spaces of [0, 2]) expect(parseJson(JSON.stringify(value, null, spaces))).toEqual(value);
  expect(parseJson('{"a": "}, \\"a\\": [", "b": ["a", "a"], "c": {"a": 1}}')).toMatchObject({ c: { a: 1 } });
});

test("bytes must be UTF-8", () => {
  expect(decodeUtf8(Buffer.from("zoné"))).toBe("zoné");
  for (const bytes of [[0xff], [0xc3], [0xed, 0xa0, 0x80]])
    expect(() => decodeUtf8(Uint8Array.from(bytes))).toThrow(WireError);
});
