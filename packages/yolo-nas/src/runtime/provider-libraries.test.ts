import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { onnxRuntimeVersion, PROVIDER_LIBRARIES, providerObstacle } from "./provider-libraries.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "providers-"));
});
afterEach(() => rm(folder, { recursive: true }));

test("says which provider libraries are missing, and the command that brings them", async () => {
  await writeFile(join(folder, PROVIDER_LIBRARIES.tensorrt[0]!), "");
  expect(await providerObstacle("tensorrt", folder)).toEqual({
    kind: "provider-libraries",
    message: expect.stringMatching(
      /^libonnxruntime_providers_cuda\.so, libonnxruntime_providers_tensorrt\.so are not .*sightline gpu install/,
    ),
  });
});

test("says in one line that they are of another version", async () => {
  for (const name of PROVIDER_LIBRARIES.cuda) await writeFile(join(folder, name), "\x000.9.1\0");
  const other = await providerObstacle("cuda", folder);
  expect(other).toMatchObject({ kind: "version", message: expect.stringContaining(onnxRuntimeVersion()) });
  expect(other?.message).not.toContain("\n");
  // Across the pieces in which the file is read.
  const text = Buffer.alloc(4 * 1024 * 1024 + 8);
  text.write(`\0${onnxRuntimeVersion()}\0`, 4 * 1024 * 1024 - 3);
  await writeFile(join(folder, PROVIDER_LIBRARIES.cuda[1]!), text);
  expect((await providerObstacle("cuda", folder))?.kind).not.toBe("version");
});
