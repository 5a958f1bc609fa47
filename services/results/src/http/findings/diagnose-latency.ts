import type { HttpFigures, HttpFinding } from "@sightline/contracts";
import type { SeriesSample } from "../series/camera-series.ts";
import { stageNames } from "../series/open-second.ts";
import { percent, stageAdvice } from "./advice.ts";

/** Latency below this is no problem. */
const slowMs = 300;
/** From this share of the latency on, one stage is the cause. */
const dominant = 0.5;
/** The most that NTP clocks in one network should differ, with some margin. */
const clockMs = 50;
/** When NATS was away, results may be stored late without any stage measuring it, but never this late for long. */
const neverFasterMs = 1_000;
/** Fewer seconds with frames say nothing about clocks. */
const fewestSeconds = 3;

/** The stage that takes most of a high latency. `figures` cover the same seconds and are what pages show. */
export function* findSlowStage(
  samples: readonly SeriesSample[],
  figures: HttpFigures | null,
): Generator<HttpFinding> {
  const latency = figures?.latencyMs;
  if (!latency || latency.p50 < slowMs) return;
  const delivered = samples.filter(({ latencyMs }) => latencyMs !== null);
  if (delivered.length === 0) return;
  const means = stageNames.map((stage) => ({
    stage,
    ms: delivered.reduce((sum, { stagesMs }) => sum + (stagesMs[stage] ?? 0), 0) / delivered.length,
  }));
  const total = means.reduce((sum, { ms }) => sum + ms, 0);
  const worst = means.reduce((most, mean) => (mean.ms > most.ms ? mean : most));
  if (worst.ms < dominant * total) return;
  const { text, fix } = stageAdvice[worst.stage];
  yield {
    level: "warning",
    text: `A frame takes ${Math.round(latency.p50)} ms from capture to delivery (p95 ${Math.round(latency.p95)} ms); ${percent(worst.ms / total)} of that is ${text}.`,
    fix,
  };
}

/** The host of a camera's ingest, if its clock differs from the NATS server's. */
export function* findClockSkew(samples: readonly SeriesSample[]): Generator<HttpFinding> {
  const offset = clockOffset(samples);
  if (offset === undefined) return;
  yield {
    level: "warning",
    text: `The clock of the ingest service's host is about ${Math.round(Math.abs(offset))} ms ${offset < 0 ? "ahead of" : "behind"} the clock of the NATS server, and the frames' capture times with it.`,
    fix: "Keep the clocks of all hosts in step with NTP (chrony or systemd-timesyncd).",
  };
}

/** The difference between the clocks; undefined without evidence of one. Every second must show it: a single one may be an exception. */
function clockOffset(samples: readonly SeriesSample[]): number | undefined {
  const offsets = samples.flatMap(({ offsetMs }) => offsetMs ?? []);
  if (offsets.length < fewestSeconds) return undefined;
  const [least, most] = [Math.min(...offsets), Math.max(...offsets)];
  if (most < -clockMs) return most;
  return least > neverFasterMs ? least : undefined;
}
