import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { readRulesFile } from "./read-rules-file.ts";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "sightline-rules-file-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

const plainest = '{"rules": [{"type": "appeared"}]}';

async function reading(name: string, content?: string | Buffer): Promise<string[]> {
  const file = join(folder, name);
  if (content !== undefined) writeFileSync(file, content);
  const error = await readRulesFile(file).then(
    () => undefined,
    (cause: unknown) => cause,
  );
  if (error === undefined) return [];
  expect(error).toMatchObject({ code: "input_unusable" });
  return (error as Error).message.replaceAll(folder, "").split("\n");
}

test("a rules file, with a byte order mark too", async () => {
  expect(await reading("plain.json", plainest)).toEqual([]);
  expect(await reading("mark.json", `\ufeff${plainest}`)).toEqual([]);
});

test("what is no rules file is named, on one line that says why", async () => {
  mkdirSync(join(folder, "folder.json"));
  expect(await reading("missing.json")).toEqual(["/missing.json: there is no such file."]);
  expect(await reading("folder.json")).toEqual(["/folder.json: this is a folder, not a rules file."]);
  const noText = (name: string) => [
    `/${name}: this is not a rules file: it must be JSON or YAML, as UTF-8 text.`,
  ];
  expect(await reading("utf16.json", Buffer.from(`\ufeff${plainest}`, "utf16le"))).toEqual(
    noText("utf16.json"),
  );
  expect(await reading("zeros.yaml", Buffer.alloc(100))).toEqual(noText("zeros.yaml"));
  expect(await reading("empty.yaml", "")).toEqual([
    '/empty.yaml: The rules file is empty; for no rules, write {"rules": []}.',
  ]);
});

test("no more is read than a rules file may have, of a device without end too", async () => {
  const tooLong = "a rules file has at most 1048576 bytes.";
  expect(await reading("long.json", " ".repeat(1_048_577))).toEqual([`/long.json: ${tooLong}`]);
  await expect(readRulesFile("/dev/zero")).rejects.toThrow(`/dev/zero: ${tooLong}`);
});

test("of many faults, each of the first has a line, and the others are counted", async () => {
  const rules = Array.from({ length: 25 }, () => ({ type: "entered_zone", zone: "nowhere" }));
  const lines = await reading("faults.json", JSON.stringify({ rules }));
  expect(lines).toHaveLength(11);
  expect(lines[9]).toContain('/faults.json: rules[9].zone: There is no zone "nowhere"');
  expect(lines[10]).toBe("/faults.json: and 15 more");
});
