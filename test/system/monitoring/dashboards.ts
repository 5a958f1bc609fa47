import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { projectRoot } from "@sightline/stack";

export interface Panel {
  id: number;
  type: string;
  title: string;
  description?: string;
  datasource?: { type: string; uid: string };
  gridPos: { x: number; y: number; w: number; h: number };
  fieldConfig: { defaults: { unit?: string } };
  targets?: { refId: string; expr?: string; datasource?: { uid: string } }[];
}

export interface Variable {
  name: string;
  type: string;
  query: string | { query: string };
}

export interface Dashboard {
  uid: string;
  title: string;
  schemaVersion: number;
  templating: { list: Variable[] };
  panels: Panel[];
}

const directory = join(projectRoot, "deploy/grafana/dashboards");

/** Every dashboard that is provisioned: its file's name, its text and what the text says. */
export function dashboards(): { file: string; text: string; dashboard: Dashboard }[] {
  return readdirSync(directory).map((file) => {
    const text = readFileSync(join(directory, file), "utf8");
    return { file, text, dashboard: JSON.parse(text) };
  });
}

/** Names of the variables that a text refers to, as `$name`, `${name}` or `${name:format}`. */
export function variablesIn(text: string): string[] {
  return [...text.matchAll(/\$(?:\{(\w+)(?::\w+)?\}|(\w+))/g)].map(([, braced, plain]) => (braced ?? plain)!);
}

/** Every query of a dashboard with the variables' values in place: where it stands, and its expression. */
export function queriesOf(
  dashboard: Dashboard,
  values: Record<string, string>,
): { where: string; expr: string }[] {
  return dashboard.panels.flatMap((panel) =>
    (panel.targets ?? []).map(({ refId, expr = "" }) => ({
      where: `${dashboard.title} / ${panel.title} / ${refId}`,
      expr: expr.replaceAll(/\$(\w+)/g, (_, name) => values[name] ?? `\${${name} has no value}`),
    })),
  );
}

/** Pairs of panels that cover each other, and panels that leave the grid of 24 columns. */
export function misplaced(panels: readonly Panel[]): string[] {
  const faults: string[] = [];
  for (const [i, { title, gridPos: a }] of panels.entries()) {
    if (a.x < 0 || a.y < 0 || a.w < 1 || a.h < 1 || a.x + a.w > 24) faults.push(`${title} leaves the grid`);
    for (const { title: other, gridPos: b } of panels.slice(i + 1))
      if (a.x < b.x + b.w && b.x < a.x + a.w && a.y < b.y + b.h && b.y < a.y + a.h)
        faults.push(`${title} covers ${other}`);
  }
  return faults;
}
