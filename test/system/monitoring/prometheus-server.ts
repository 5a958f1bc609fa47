import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "@sightline/service/testing";
import { ManagedProcess } from "@sightline/stack";
import { vi } from "vitest";
import { stringify } from "yaml";
import { type PrometheusConfig, prometheusDirectory, read } from "./rule-files.ts";

/** A series with its value now. */
export interface Sample {
  metric: Record<string, string>;
  value: number;
}

export interface EvaluatedRule {
  name: string;
  type: "recording" | "alerting";
  health: string;
  lastError?: string;
  state?: "inactive" | "pending" | "firing";
  alerts?: { labels: Record<string, string>; state: string }[];
}

/** Where the metrics of each service are; the bridges need not run, nor the analysis apart. */
export interface ScrapedPorts {
  results: number;
  analysis?: number | undefined;
  ingest: number;
  inference: number;
  bridges?: number;
}

/** A real Prometheus with the configuration of deploy/prometheus, on the ports of a running stack. */
export class PrometheusServer {
  readonly #process: ManagedProcess;
  readonly #directory: string;
  readonly #url: string;

  private constructor(process: ManagedProcess, directory: string, url: string) {
    this.#process = process;
    this.#directory = directory;
    this.#url = url;
  }

  /** Starts it and waits until it answers. It scrapes every second, so that a test need not wait for 10. */
  static async start(ports: ScrapedPorts): Promise<PrometheusServer> {
    const directory = mkdtempSync(join(tmpdir(), "sightline-prometheus-"));
    const config = read<PrometheusConfig>("prometheus.yml");
    config.global = { scrape_interval: "1s", evaluation_interval: "1s" };
    config.rule_files = config.rule_files.map((file) => join(prometheusDirectory, file));
    for (const job of config.scrape_configs) {
      const port = ports[job.job_name.replace("sightline-", "") as keyof ScrapedPorts];
      job.static_configs = port === undefined ? [] : [{ targets: [`127.0.0.1:${port}`] }];
    }
    const configFile = join(directory, "prometheus.yml");
    writeFileSync(configFile, stringify(config));
    const port = await freePort();
    const process = await ManagedProcess.start({
      name: "prometheus",
      command: "prometheus",
      args: [
        `--config.file=${configFile}`,
        `--storage.tsdb.path=${join(directory, "data")}`,
        `--web.listen-address=127.0.0.1:${port}`,
        "--log.level=warn",
        "--enable-feature=exemplar-storage",
      ],
      logFile: join(directory, "prometheus.log"),
    });
    const server = new PrometheusServer(process, directory, `http://127.0.0.1:${port}`);
    await vi.waitUntil(() => server.#ready(), { timeout: 60_000, interval: 50 });
    return server;
  }

  async #ready(): Promise<boolean> {
    if (!this.#process.running) throw await this.#process.failure();
    const response = await fetch(`${this.#url}/-/ready`).catch(() => undefined);
    return response?.ok ?? false;
  }

  /** Evaluates an expression now. @throws with Prometheus's message when it cannot */
  async query(expr: string): Promise<Sample[]> {
    const data = await this.#get<{ result: { metric: Sample["metric"]; value: [number, string] }[] }>(
      "query",
      {
        query: expr,
      },
    );
    return data.result.map(({ metric, value }) => ({ metric, value: Number(value[1]) }));
  }

  /** Whether an expression has a value now; NaN is none, because a panel shows nothing for it. */
  async hasValue(expr: string): Promise<boolean> {
    return (await this.query(expr)).some(({ value }) => !Number.isNaN(value));
  }

  /** Values of a label on a metric, as Grafana's `label_values(metric, label)` has them. */
  labelValues(metric: string, label: string): Promise<string[]> {
    return this.#get(`label/${label}/values`, { "match[]": metric });
  }

  /** Names of the metrics that the services declare, with or without a value. */
  async declaredMetrics(): Promise<string[]> {
    return Object.keys(await this.#get<Record<string, unknown>>("metadata", {}));
  }

  async rules(): Promise<EvaluatedRule[]> {
    const { groups } = await this.#get<{ groups: { rules: EvaluatedRule[] }[] }>("rules", {});
    return groups.flatMap(({ rules }) => rules);
  }

  /** Labels of the exemplars of the last minutes of an expression. */
  async exemplars(query: string): Promise<Record<string, string>[]> {
    const [start, end] = [Date.now() / 1000 - 300, Date.now() / 1000 + 60].map(String);
    const series = await this.#get<{ exemplars: { labels: Record<string, string> }[] }[]>("query_exemplars", {
      query,
      start: start!,
      end: end!,
    });
    return series.flatMap(({ exemplars }) => exemplars.map(({ labels }) => labels));
  }

  async stop(): Promise<void> {
    await this.#process.stop();
    rmSync(this.#directory, { recursive: true, force: true });
  }

  async #get<T>(path: string, parameters: Record<string, string>): Promise<T> {
    const response = await fetch(`${this.#url}/api/v1/${path}?${new URLSearchParams(parameters)}`);
    const body = (await response.json()) as { status: string; error?: string; data: T };
    if (body.status !== "success") throw new Error(`${path} ${JSON.stringify(parameters)}: ${body.error}`);
    return body.data;
  }
}
