import { execFile } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { projectRoot } from "@sightline/stack";
import { parse } from "yaml";

export const prometheusDirectory = join(projectRoot, "deploy/prometheus");

export interface RecordingRule {
  record: string;
  expr: string;
}

export interface AlertRule {
  alert: string;
  expr: string;
  labels: Record<string, string>;
  annotations: Record<string, string>;
}

export interface PrometheusConfig {
  global: Record<string, string>;
  rule_files: string[];
  scrape_configs: ({ job_name: string } & Record<string, unknown>)[];
}

/** What a YAML file of deploy/prometheus says. */
export function read<T>(file: string): T {
  return parse(readFileSync(join(prometheusDirectory, file), "utf8"));
}

function rulesOf<T>(file: string): T[] {
  return read<{ groups: { rules: T[] }[] }>(file).groups.flatMap(({ rules }) => rules);
}

export const recordingRules = (): RecordingRule[] => rulesOf("recording-rules.yml");
export const alertRules = (): AlertRule[] => rulesOf("alert-rules.yml");

/** Files of rule unit tests, by their path in deploy/prometheus. */
export const unitTestFiles = (): string[] =>
  readdirSync(join(prometheusDirectory, "tests")).map((file) => `tests/${file}`);

/** How many cases of an alert in the unit tests expect it to fire, and how many expect that it does not. */
export function casesOf(alert: string): { firing: number; silent: number } {
  const cases = unitTestFiles()
    .flatMap((file) => read<{ tests: { alert_rule_test?: AlertCase[] }[] }>(file).tests)
    .flatMap((test) => test.alert_rule_test ?? [])
    .filter(({ alertname }) => alertname === alert);
  const firing = cases.filter(({ exp_alerts }) => exp_alerts.length > 0).length;
  return { firing, silent: cases.length - firing };
}

interface AlertCase {
  alertname: string;
  exp_alerts: unknown[];
}

/** Names of Sightline's own metrics in an expression; names that rules record are not among them. */
export function metricsIn(expr: string): string[] {
  return [...expr.matchAll(/(?<![:\w])sightline_\w+/g)].map(([name]) =>
    name.replace(/_(bucket|sum|count)$/, ""),
  );
}

/** Runs promtool in deploy/prometheus. @throws with promtool's findings when it is not content */
export async function promtool(...args: string[]): Promise<void> {
  await promisify(execFile)("promtool", args, { cwd: prometheusDirectory });
}
