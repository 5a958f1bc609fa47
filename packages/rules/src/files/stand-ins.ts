import type { z } from "zod";
import { rulesFileSchema } from "./rules-schema.ts";

const lists = ["zones", "lines", "masks", "rules"] as const;
type List = (typeof lists)[number];

/** Replaces a part whose form is wrong; its values are never faulty. */
const standIns: Record<List, object> = {
  zones: {
    polygon: [
      [0, 0],
      [1, 0],
      [0, 1],
    ],
  },
  lines: { start: [0, 0], end: [1, 1] },
  masks: {
    mode: "exclude",
    polygon: [
      [0, 0],
      [1, 0],
      [0, 1],
    ],
  },
  rules: { type: "appeared" },
};

/** A file with stand-ins, and the paths of the replaced parts. */
export interface PartlyRead {
  file: z.infer<typeof rulesFileSchema>;
  replaced: ReadonlySet<string>;
}

/**
 * Replaces the parts of a rules file that have the wrong form with stand-ins. This way the values of the other parts can be checked with
 * the same indexes, and references to a wrong part by its name are found.
 * @returns undefined when nothing can be checked
 */
export function withStandIns(value: unknown, issues: readonly z.core.$ZodIssue[]): PartlyRead | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const given = value as Record<string, unknown>;
  const replaced = new Set<string>();
  for (const { path } of issues) {
    const [list, index] = path;
    if (list === undefined) continue;
    replaced.add(fieldPath(index === undefined ? [list] : [list, index]));
  }
  const parts = lists.map((list): [List, unknown] => {
    const items = given[list] ?? [];
    if (!Array.isArray(items)) return [list, []];
    return [
      list,
      items.map((item, index) => (replaced.has(`${list}[${index}]`) ? standIn(list, index, item) : item)),
    ];
  });
  const parsed = rulesFileSchema.safeParse(Object.fromEntries(parts));
  return parsed.success ? { file: parsed.data, replaced } : undefined;
}

function standIn(list: List, index: number, item: unknown): object {
  if (list === "masks") return standIns.masks;
  const name = (item as { name?: unknown } | null)?.name;
  return { ...standIns[list], name: typeof name === "string" ? name : `${list} ${index}` };
}

/** `["zones", 1, "polygon"]` → `zones[1].polygon`. */
export function fieldPath(path: readonly PropertyKey[]): string {
  return path.reduce<string>(
    (before, part) =>
      typeof part === "number"
        ? `${before}[${part}]`
        : before === ""
          ? String(part)
          : `${before}.${String(part)}`,
    "",
  );
}
