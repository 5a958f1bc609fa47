import { limits } from "./limits.ts";

/** Labels of a camera: the site, floor or team it belongs to, for lists and for access rights. */
export type Labels = Readonly<Record<string, string>>;

const keyForm = /^[a-z0-9]([a-z0-9._-]{0,61}[a-z0-9])?$/;
const valueForm = /^[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$/;
const keyHelp = "1 to 63 of a-z, 0-9, '.', '_' and '-', with a letter or digit first and last";
const valueHelp = "1 to 63 of A-Z, a-z, 0-9, '.', '_' and '-', with a letter or digit first and last";

/** What is wrong with labels, in words; undefined when they are valid. */
export function labelsFault(labels: Labels): string | undefined {
  const entries = Object.entries(labels);
  if (entries.length > limits.maxLabels)
    return `labels has ${entries.length} entries; the most is ${limits.maxLabels}`;
  for (const [key, value] of entries) {
    if (!keyForm.test(key)) return `labels has the key '${key.slice(0, 64)}'; expected ${keyHelp}`;
    if (!valueForm.test(value))
      return `labels has the value '${value.slice(0, 64)}' of ${key}; expected ${valueHelp}`;
  }
  return undefined;
}

/** A label as text: `site=north`. */
export function labelText(key: string, value: string): string {
  return `${key}=${value}`;
}

/** Labels as texts `key=value`, sorted by key. */
export function labelTexts(labels: Labels): string[] {
  return Object.entries(labels)
    .map(([key, value]) => labelText(key, value))
    .sort();
}

/** Reads `key=value`; undefined when the text is not a label. */
export function parseLabel(text: string): { key: string; value: string } | undefined {
  const [key = "", value = "", more] = text.split("=");
  return more === undefined && keyForm.test(key) && valueForm.test(value) ? { key, value } : undefined;
}

/** Whether a camera with these labels has all the wanted ones, each as `key=value`. */
export function hasLabels(labels: Labels, wanted: readonly string[]): boolean {
  return wanted.every((text) => {
    const label = parseLabel(text);
    return label !== undefined && Object.hasOwn(labels, label.key) && labels[label.key] === label.value;
  });
}
