import type { CameraRecord, CameraRules } from "@sightline/contracts";

/** What is known of cameras, by their ids. */
export interface CamerasOfModel {
  records: ReadonlyMap<string, Pick<CameraRecord, "model" | "classes">>;
  rules: (camera: string) => Pick<CameraRules, "rules"> | undefined;
}

/** Says of cameras of a model, and of their rules, which classes they name that are not among `classes`. */
export function classWarnings(model: string, classes: readonly string[], cameras: CamerasOfModel): string[] {
  const known = new Set(classes);
  const unknown = (names: readonly string[]) => [...new Set(names.filter((name) => !known.has(name)))];
  const listed = (names: readonly string[]) => names.map((name) => `'${name}'`).join(", ");
  const warnings: string[] = [];
  for (const [camera, record] of cameras.records) {
    if (record.model !== model) continue;
    const filtered = unknown(record.classes);
    if (filtered.length > 0)
      warnings.push(
        `camera ${camera} publishes only some classes, and this version does not know ${listed(filtered)} of them`,
      );
    for (const rule of cameras.rules(camera)?.rules ?? []) {
      const missing = unknown(rule.classes);
      if (missing.length > 0)
        warnings.push(
          `the rule '${rule.name}' of camera ${camera} names ${listed(missing)}, which this version does not know`,
        );
    }
  }
  return warnings;
}
