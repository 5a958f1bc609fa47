import { mkdtempSync, renameSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { KnownManifests } from "./known-manifests.ts";

const directory = mkdtempSync(join(tmpdir(), "sightline-manifests-"));
afterAll(() => rmSync(directory, { recursive: true }));

test("a manifest is read again when its file was written, replaced, or is gone, and otherwise not", async () => {
  const path = join(directory, "model.json");
  let reads = 0;
  const known = new KnownManifests(async (name: string) => {
    reads++;
    const text = await readFile(name, "utf8");
    if (text === "broken") throw new Error("it is broken");
    return text;
  });
  await expect(known.get(path)).rejects.toThrow("ENOENT");
  writeFileSync(path, "one");
  expect([await known.get(path), await known.get(path), reads]).toEqual(["one", "one", 2]);
  writeFileSync(path, "three");
  expect([await known.get(path), await known.get(path), reads]).toEqual(["three", "three", 3]);
  // Of the same size and time, as a file that was copied with its times.
  const other = join(directory, "other.json");
  writeFileSync(other, "seven");
  utimesSync(path, 1, 1);
  await known.get(path);
  utimesSync(other, 1, 1);
  renameSync(other, path);
  expect([await known.get(path), reads]).toEqual(["seven", 5]);
  writeFileSync(path, "broken");
  for (let i = 0; i < 2; i++) await expect(known.get(path)).rejects.toThrow("it is broken");
  expect(reads).toBe(6);
  rmSync(path);
  for (let i = 0; i < 2; i++) await expect(known.get(path)).rejects.toThrow("ENOENT");
  expect(reads).toBe(8);
});
