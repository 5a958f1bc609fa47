import { rm } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import { projectRoot } from "@sightline/stack";
import {
  architecture,
  buildModel,
  CLASSIFIER,
  COCO_CLASSES,
  type DetectorImportOptions,
  FAMILY_NAMES,
  importClassifier,
  importModel,
  loadModel,
  type OnnxGraph,
  readTorchCheckpoint,
  StateDictWeights,
} from "@sightline/yolo-nas";
import { Command, InvalidArgumentError, Option } from "commander";
import { CliError } from "../errors.ts";
import { type CatalogueEntry, catalogueEntry } from "../models/catalogue.ts";
import { downloadFile } from "../models/download.ts";
import { type ExportFacts, withExportFacts } from "../models/import-options.ts";
import { requireFree, requireName, writeClassifierFolder, writeModelFolder } from "../models/model-folder.ts";
import { wholeNumber } from "../option-values.ts";
import { untilSignal } from "../signals.ts";

interface ImportCommandOptions extends ExportFacts {
  readonly name?: string;
  readonly out: string;
  readonly attribute?: readonly AttributeOption[];
  readonly topK: number;
  readonly acceptLicence?: boolean;
  readonly sha256?: string;
  readonly catalogue: string;
}

/** Without values, those named in the file are used. */
interface AttributeOption {
  readonly name: string;
  readonly values?: readonly string[];
}

const hub = "hub:";

/** `sightline model import`: turns any recognised export, or a well-known model by its name, into a model that workers serve. */
export function modelImportCommand(): Command {
  const command = new Command("import")
    .description(
      "make a detector of any known family, or a classifier for a second stage, ready to run: a float ONNX export, or hub:NAME from the catalogue",
    )
    .argument("<model>", "an ONNX file, or hub:NAME of models/catalogue.json");
  return withExportFacts(command, [...FAMILY_NAMES, CLASSIFIER])
    .option("--name <name>", "name of the model (default: the file's, or that in the catalogue)")
    .addOption(
      new Option("--out <folder>", "folder of models, in which its own is made").default(
        join(projectRoot, "models"),
        "models/",
      ),
    )
    .option(
      "--attribute <name=a,b>",
      "classifier: what it tells and the values, in the order of its outputs; once for each",
      attribute,
    )
    .option("--top-k <n>", "candidates per frame", wholeNumber(1), 1024)
    .option("--accept-licence", "hub: you have read the licence of the weights and agree")
    .option("--sha256 <digest>", "hub: the digest that the file must have", digest)
    .addOption(
      new Option("--catalogue <file>", "hub: the list of models").default(
        join(projectRoot, "models/catalogue.json"),
        "models/catalogue.json",
      ),
    )
    .action(importCommand);
}

async function importCommand(model: string, options: ImportCommandOptions): Promise<void> {
  const wanted = model.startsWith(hub) ? model.slice(hub.length) : undefined;
  const name = options.name ?? wanted ?? basename(model).replace(/\.onnx$/i, "");
  requireName(name);
  const folder = resolve(options.out, name);
  await requireFree(folder);
  const entry = wanted === undefined ? undefined : await catalogueEntry(options.catalogue, wanted);
  const file = entry ? await fetchEntry(wanted!, entry, options) : model;
  if (options.family === CLASSIFIER) return importSecondStage(file, name, folder, options);
  if (options.attribute) throw new InvalidArgumentError(`--attribute is for --family ${CLASSIFIER}`);
  const source = entry?.format === "super-gradients" ? await built(file, entry) : await loadModel(file);
  const imported = await importModel(source, importOptions(options, entry, source));
  const { version, classes } = await writeModelFolder(folder, name, imported);
  if (entry) await rm(file);
  console.log(imported.words.join("\n"));
  console.log(`wrote ${folder}: ${name} ${version}, ${classes.length} classes`);
  console.log(
    `Next: ./sightline camera add NAME URL --model ${name}. The worker of 'up' loads it then; others need SIGHTLINE_MODELS=all or SIGHTLINE_MODEL=${name}.`,
  );
}

/** A classifier, which looks at the objects that a detector found. */
async function importSecondStage(
  file: string,
  name: string,
  folder: string,
  { attribute, input, channelOrder, range, mean, std }: ImportCommandOptions,
): Promise<void> {
  const imported = await importClassifier(await loadModel(file), {
    ...(attribute && { attributes: attribute }),
    input,
    preprocessing: given({ channelOrder, range, mean, std }),
  });
  const { version } = await writeClassifierFolder(folder, name, imported);
  console.log(imported.words.join("\n"));
  console.log(`wrote ${folder}: ${name} ${version}`);
  console.log(`Next: ./sightline camera update NAME --then ${name}.`);
}

/** Only the options that were given. */
function given<T extends object>(options: T): Partial<T> {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as Partial<T>;
}

/** YOLO-NAS built from a checkpoint's weights. */
async function built(checkpoint: string, entry: CatalogueEntry): Promise<OnnxGraph> {
  const weights = new StateDictWeights(await readTorchCheckpoint(checkpoint));
  const classes = entry.classes === "coco" ? COCO_CLASSES : entry.classes;
  return buildModel(architecture(entry.architecture ?? ""), weights, {
    ...(entry.input ?? { width: 640, height: 640 }),
    classes,
  });
}

function importOptions(
  { channelOrder, placement, range, mean, std, ...options }: ImportCommandOptions,
  entry: CatalogueEntry | undefined,
  { inputs }: OnnxGraph,
): DetectorImportOptions {
  const known = entry?.classes === "coco" ? COCO_CLASSES : entry?.classes;
  // A size may be given only for exports that leave it open.
  const isOpen = inputs.some(({ shape }) => shape?.slice(2).some((side) => typeof side !== "number"));
  return {
    family: options.family ?? entry?.family,
    classes: options.classes ?? known,
    input: options.input ?? (isOpen ? entry?.input : undefined),
    preprocessing: given({ channelOrder, placement, range, mean, std }),
    topK: options.topK,
  };
}

/** Shows the licence; once it is accepted, downloads and checks the file. @returns the file's path */
async function fetchEntry(
  name: string,
  entry: CatalogueEntry,
  options: ImportCommandOptions,
): Promise<string> {
  const { title, licence, licenceUrl, warning, url, bytes } = entry;
  const size = bytes === undefined ? "" : `, ${(bytes / 1e6).toFixed(0)} MB`;
  console.error(
    `${title}${size}\n  from    ${url}\n  licence ${licence}: ${licenceUrl}${warning ? `\n  ${warning}` : ""}`,
  );
  if (!options.acceptLicence)
    throw new CliError(
      "not_confirmed",
      "nothing was fetched: read the licence, and if you agree give --accept-licence too",
    );
  const sha256 = options.sha256 ?? entry.sha256;
  const target = join(options.out, ".downloads", `${name}.${entry.format === "onnx" ? "onnx" : "pth"}`);
  const progress = process.stderr.isTTY;
  const found = await downloadFile(url, target, {
    sha256,
    signal: untilSignal(),
    onProgress: (done, total) => {
      if (progress)
        process.stderr.write(`\r${(done / 1e6).toFixed(1)} of ${total ? (total / 1e6).toFixed(1) : "?"} MB`);
    },
  });
  if (progress) process.stderr.write("\n");
  if (sha256 !== undefined) return target;
  throw new CliError(
    "not_confirmed",
    `the catalogue has no digest of this file, so it cannot check that it is the right one. The file that came, ${target}, has the SHA-256\n` +
      `  ${found}\ncompare it with what its publisher says, and if it is the same give --sha256 ${found} too; it is not fetched again`,
  );
}

/** Reads `name=value,value`, or only a name, and adds it to those given before. */
function attribute(text: string, before: readonly AttributeOption[] = []): readonly AttributeOption[] {
  const [name = "", list] = text.split("=", 2);
  const values = list?.split(",").map((value) => value.trim());
  return [...before, { name: name.trim(), ...(values && { values }) }];
}

function digest(text: string): string {
  if (!/^[0-9a-f]{64}$/i.test(text)) throw new InvalidArgumentError("64 hexadecimal digits");
  return text.toLowerCase();
}
