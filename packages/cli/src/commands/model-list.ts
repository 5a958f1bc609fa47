import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { projectRoot } from "@sightline/stack";
import {
  type ClassifierManifest,
  MANIFEST_FILE,
  type ModelManifest,
  readClassifier,
  readManifest,
} from "@sightline/yolo-nas";
import { Command, Option } from "commander";
import { InputFailures } from "../input-failures.ts";
import { textTable } from "../text-table.ts";

/** `sightline model list`: the models on this machine, as workers would find them. */
export function modelListCommand(): Command {
  return new Command("list")
    .description(
      "list the models that are here: what each is, its classes, size and version, and where it lies",
    )
    .addOption(
      new Option("--dir <folder>", "folder of models").default(join(projectRoot, "models"), "models/"),
    )
    .option("--json", "print one JSON object")
    .action(list);
}

interface FoundModel {
  readonly folder: string;
  readonly bytes: number;
  readonly manifest: ModelManifest | ClassifierManifest;
}

async function list({ dir, json }: { dir: string; json?: boolean }): Promise<void> {
  const failures = new InputFailures();
  const found: FoundModel[] = [];
  const names = (await readdir(dir).catch(() => [])).filter((name) => !name.startsWith(".")).sort();
  for (const name of names) {
    const folder = join(dir, name);
    const path = join(folder, MANIFEST_FILE);
    if (!(await stat(path).catch(() => undefined))) continue;
    try {
      // Digests are checked too: a worker refuses a folder whose files do not match.
      const manifest = (await readClassifier(folder)) ?? (await readManifest(path));
      const sizes = Object.values(manifest.files).map(
        async ({ file }) => (await stat(join(folder, file))).size,
      );
      found.push({
        folder,
        manifest,
        bytes: (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0),
      });
    } catch (error) {
      failures.add(error as Error);
    }
  }
  if (json) {
    const models = found.map(({ folder, bytes, manifest }) => ({ ...facts(manifest), bytes, folder }));
    console.log(JSON.stringify({ models }));
    return;
  }
  if (found.length === 0) {
    console.log(`there is no model in ${dir}; ./sightline model import brings one`);
    return;
  }
  const rows = found.map(({ folder, bytes, manifest }) => {
    const { name, architecture, version, input, files } = facts(manifest);
    return [
      name,
      architecture,
      version,
      `${input.width}x${input.height}`,
      knows(manifest),
      Object.keys(files).join(", "),
      `${(bytes / 1e6).toFixed(1)} MB`,
      folder,
    ];
  });
  console.log(
    textTable([["NAME", "FAMILY", "VERSION", "INPUT", "CLASSES", "FILES", "SIZE", "WHERE"], ...rows]),
  );
}

function facts(manifest: FoundModel["manifest"]) {
  const { name, version, files } = manifest;
  if ("kind" in manifest) {
    const { kind, crop, attributes } = manifest;
    return { name, architecture: kind, version, input: crop, files, classes: [], attributes };
  }
  const { architecture, input, classes } = manifest;
  return { name, architecture, version, input, files, classes };
}

/** Classes, or an attribute's values; only the first ones if there are many. */
function knows(manifest: FoundModel["manifest"]): string {
  const some = (names: readonly string[]) =>
    names.length > 2 ? `${names.length} (${names.slice(0, 2).join(", ")}, …)` : names.join(", ");
  if (!("kind" in manifest)) return some(manifest.classes);
  return manifest.attributes.map(({ name, values }) => `${name}: ${some(values)}`).join("; ");
}
