import type { HttpFigures, HttpFinding } from "@sightline/contracts";
import type { SeriesSample } from "../series/camera-series.ts";
import { stageNames } from "../series/open-second.ts";
import { percent, stageAdvice } from "./advice.ts";

/** Latency below this is nobody's trouble. */
const slowMs = 300;
/** Share of the latency from which one stage is to blame. */
const dominant = 0.5;
/** What clocks kept by NTP in one network differ by at most, with room. */
const clockMs = 50;
/** Results may be stored late without any stage knowing of it, when NATS was away; never by so much for long. */
const neverFasterMs = 1_000;
/** Fewer seconds with frames say nothing of clocks. */
const fewestSeconds = 3;

/** The stage that takes most of a latency that is high. `figures` are of the same seconds, and what pages show. */
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

/** The host of a camera's ingest whose clock differs from that of the NATS server. */
export function* findClockSkew(samples: readonly SeriesSample[]): Generator<HttpFinding> {
  const offset = clockOffset(samples);
  if (offset === undefined) return;
  yield {
    level: "warning",
    text: `The clock of the ingest service's host is about ${Math.round(Math.abs(offset))} ms ${offset < 0 ? "ahead of" : "behind"} the clock of the NATS server, and the frames' capture times with it.`,
    fix: "Keep the clocks of all hosts in step with NTP (chrony or systemd-timesyncd).",
  };
}

/** What the clocks differ by; undefined when nothing says that they do. Every second must say so: one alone may be a hiccup. */
function clockOffset(samples: readonly SeriesSample[]): number | undefined {
  const offsets = samples.flatMap(({ offsetMs }) => offsetMs ?? []);
  if (offsets.length < fewestSeconds) return undefined;
  const [least, most] = [Math.min(...offsets), Math.max(...offsets)];
  if (most < -clockMs) return most;
  return least > neverFasterMs ? least : undefined;
}
