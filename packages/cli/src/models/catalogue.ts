import { readFile } from "node:fs/promises";
import { z } from "zod";
import { CliError } from "../errors.ts";

const entrySchema = z.strictObject({
  title: z.string().min(1),
  /** Name of the weights' licence. */
  licence: z.string().min(1),
  licenceUrl: z.url(),
  /** Restrictions of the licence that a user must know before the download; undefined for a usual open licence. */
  warning: z.string().optional(),
  url: z.url(),
  bytes: z.int().positive().optional(),
  /** Undefined if unknown: then the user confirms the downloaded file. */
  sha256: z
    .string()
    .regex(/^[0-9a-f]{64}$/)
    .optional(),
  /** Source of the digest: none of these files could be downloaded where this list was made. */
  sha256From: z.string().optional(),
  /** An ONNX export, or a super-gradients checkpoint for one of `model build`'s architectures. */
  format: z.enum(["onnx", "super-gradients"]),
  family: z.string().min(1),
  architecture: z.string().optional(),
  classes: z.union([z.literal("coco"), z.array(z.string().min(1)).min(1)]),
  input: z.strictObject({ width: z.int().positive(), height: z.int().positive() }).optional(),
});
export type CatalogueEntry = z.infer<typeof entrySchema>;

const catalogueSchema = z.strictObject({ models: z.record(z.string(), entrySchema) });

/** The entry with this name. @throws CliError that lists the existing names */
export async function catalogueEntry(file: string, name: string): Promise<CatalogueEntry> {
  let models: Record<string, CatalogueEntry>;
  try {
    models = catalogueSchema.parse(JSON.parse(await readFile(file, "utf8"))).models;
  } catch (cause) {
    const reason = cause instanceof z.ZodError ? z.prettifyError(cause) : (cause as Error).message;
    throw new CliError("input_unusable", `the catalogue ${file} cannot be read: ${reason}`, { cause });
  }
  const entry = Object.hasOwn(models, name) ? models[name] : undefined;
  if (entry) return entry;
  throw new CliError("not_found", `the catalogue has no '${name}'; it has ${Object.keys(models).join(", ")}`);
}
