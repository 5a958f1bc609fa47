import { execFile } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import {
  PrometheusRule,
  ServiceMonitor,
} from "@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1";
import { projectRoot } from "@sightline/stack";
import { Ajv } from "ajv";
import { parse, parseAllDocuments, stringify } from "yaml";
import type { Json } from "../grpc.ts";

const run = promisify(execFile);
const source = join(projectRoot, "deploy/helm");
const { kinds, definitions } = JSON.parse(
  readFileSync(join(projectRoot, "test/fixtures/kubernetes-schemas.json"), "utf8"),
);
const ajv = new Ajv({ strict: false, allErrors: true });

/** The chart without its dependency, which the tests cannot fetch, and a helm program to render it. */
export class Chart {
  readonly #helm: string;
  readonly #folder: string;
  #runs = 0;

  private constructor(helm: string, folder: string) {
    this.#helm = helm;
    this.#folder = folder;
  }

  static async open(): Promise<Chart> {
    const { stdout } = await run(join(projectRoot, "test/system/kubernetes/install-helm.sh"));
    const folder = mkdtempSync(join(tmpdir(), "sightline-chart-"));
    cpSync(source, folder, {
      recursive: true,
      dereference: true,
      filter: (path) => !/helm\/charts/.test(path),
    });
    const { dependencies: _, ...metadata } = parse(readFileSync(join(source, "Chart.yaml"), "utf8"));
    writeFileSync(join(folder, "Chart.yaml"), stringify(metadata));
    return new Chart(stdout.trim(), folder);
  }

  /** What Kubernetes would be given. @throws with helm's words when it refuses the values */
  async render(values: object): Promise<Json[]> {
    const { stdout } = await this.#run("template", values, "shop", this.#folder, "--namespace", "video");
    return parseAllDocuments(stdout)
      .map((document) => document.toJS())
      .filter((each) => each !== null);
  }

  /** Lines of `helm lint` that tell of a fault. */
  async lint(values: object): Promise<string[]> {
    const { stdout } = await this.#run("lint", values, this.#folder, "--strict");
    return stdout.split("\n").filter((line) => /^\[(WARNING|ERROR)\]/.test(line));
  }

  close(): void {
    for (let file = 0; file < this.#runs; file++) rmSync(`${this.#folder}.${file}.yaml`);
    rmSync(this.#folder, { recursive: true });
  }

  async #run(command: string, values: object, ...args: string[]) {
    const file = `${this.#folder}.${this.#runs++}.yaml`;
    writeFileSync(file, stringify(values));
    return run(this.#helm, [command, ...args, "--values", file], { maxBuffer: 16 * 1024 ** 2 });
  }
}

/** What is wrong with an object by the schema of its kind; a field that the kind does not have is wrong. */
export function faultsOf(object: Json): string[] {
  const kind = `${object.apiVersion}/${object.kind}`;
  if (object.kind === "ServiceMonitor" || object.kind === "PrometheusRule")
    try {
      new (object.kind === "ServiceMonitor" ? ServiceMonitor : PrometheusRule)(object as never).validate();
      return [];
    } catch (error) {
      return [(error as Error).message];
    }
  if (!kinds[kind]) return [`there is no schema for ${kind}`];
  const validate = ajv.compile({ ...kinds[kind], definitions });
  validate(object);
  return (validate.errors ?? []).map(
    ({ instancePath, message, params }) => `${instancePath} ${message} ${JSON.stringify(params)}`,
  );
}
