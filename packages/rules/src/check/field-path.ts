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
