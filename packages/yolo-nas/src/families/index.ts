export type { Preprocessing } from "./family.ts";
export type { DetectorImportOptions } from "./import-detector.ts";
export { FAMILY_NAMES, type ImportedModel, importModel } from "./import-model.ts";
