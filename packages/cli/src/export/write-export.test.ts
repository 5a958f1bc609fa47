import { execFile } from "node:child_process";
import {
  lstatSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { writeExport } from "./write-export.ts";

const { signal } = new AbortController();
let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "sightline-write-export-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

async function* pieces() {
  yield "one\n";
  yield "two\n";
}

test("a file is replaced when all is written, through a link too", async () => {
  const [file, link] = [join(folder, "file"), join(folder, "link")];
  writeFileSync(file, "before");
  symlinkSync(file, link);
  await writeExport(link, pieces(), signal);
  expect(readFileSync(file, "utf8")).toBe("one\ntwo\n");
  expect(lstatSync(link).isSymbolicLink()).toBe(true);
  expect(readdirSync(folder).sort()).toEqual(["file", "link"]);
});

test("a pipe stays one, and gets what is written", async () => {
  const pipe = join(folder, "pipe");
  await promisify(execFile)("mkfifo", [pipe]);
  const reading = promisify(execFile)("cat", [pipe]);
  await writeExport(pipe, pieces(), signal);
  expect((await reading).stdout).toBe("one\ntwo\n");
  expect(lstatSync(pipe).isFIFO()).toBe(true);
});

test("what cannot be written is named, and nothing is left", async () => {
  const nowhere = join(folder, "none", "file");
  await expect(writeExport(folder, pieces(), signal)).rejects.toThrow(`${folder} is a folder`);
  await expect(writeExport(nowhere, pieces(), signal)).rejects.toMatchObject({ code: "output_unusable" });
  await expect(writeExport("/proc/export", pieces(), signal)).rejects.toThrow(
    "/proc/export cannot be written",
  );
});

test("what fails on the way leaves what was there", async () => {
  const file = join(folder, "kept");
  writeFileSync(file, "before");
  const failing = async function* () {
    yield "one\n";
    throw new Error("the server is away");
  };
  await expect(writeExport(file, failing(), signal)).rejects.toThrow("the server is away");
  expect(readFileSync(file, "utf8")).toBe("before");
  expect(readdirSync(folder)).not.toContain("kept.partial");
});
