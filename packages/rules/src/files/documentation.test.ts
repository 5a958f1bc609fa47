import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { parseRulesFile } from "./parse-rules.ts";

describe("docs/rules.md", () => {
  it("shows rules files that can be used as they are", () => {
    const text = readFileSync(new URL("../../../../docs/rules.md", import.meta.url), "utf8");
    const examples = [...text.matchAll(/^```(json|yaml)\n(.*?)^```$/gms)];
    expect(examples.map(([, format]) => format)).toEqual(["json", "yaml"]);
    for (const [, format, example] of examples) {
      expect(parseRulesFile(example!, format!).rules.length).toBeGreaterThan(0);
    }
  });
});
