import { expect, test } from "vitest";
import { attributeValues } from "./attribute-values.ts";

test("attributes are asked for by name and values, each option adding to those before", () => {
  const one = attributeValues("colour=red, blue");
  expect(one).toEqual({ colour: ["red", "blue"] });
  expect(attributeValues("helmet=none", attributeValues("colour=green", one))).toEqual({
    colour: ["red", "blue", "green"],
    helmet: ["none"],
  });
  for (const odd of ["colour", "=red", "colour=", "colour=red,,blue"])
    expect(() => attributeValues(odd)).toThrow("such as colour=red");
});
