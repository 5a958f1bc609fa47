import { readFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { streams } from "@sightline/contracts";
import type { CostSample } from "./cost-fit.ts";
import { jain, processUsage } from "./measure.ts";
import { type ScaleCell, ScaleRig } from "./scale-rig.ts";

export type ProcessKind = "nats" | "ingest" | "worker" | "results" | "decoder";

/** A process in one measurement. */
export interface ProcessSample extends CostSample {
  kind: ProcessKind;
  rssBytes: number;
}

export interface CellReport {
  cell: Omit<ScaleCell, "clip">;
  /** Frames per second that cameras sent, and that were inferred. */
  captured: number;
  inferred: number;
  /** Messages about events per second. */
  events: number;
  /** Of the workers' frames, and of the ingests' cameras: 1 when all have as many. */
  evenWorkers: number;
  evenIngests: number;
  /** What NATS took in and gave out, a second. */
  nats: { messagesIn: number; messagesOut: number; bytesIn: number; bytesOut: number };
  /** Subscriptions and JetStream consumers at the end. */
  subscriptions: number;
  consumers: number;
  processes: ProcessSample[];
}

/** Things get even, and programs warm, in this time. */
const settleMs = 5_000;

/** Children of a process, and theirs: decoders may have a guard before them. */
function descendants(pid: number): number[] {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim();
  return children === ""
    ? []
    : children.split(" ").flatMap((child) => [Number(child), ...descendants(Number(child))]);
}

/** The value of a metric without labels, or the sum over all of them. */
async function metric(http: string, name: string): Promise<number> {
  const text = await (await fetch(`http://${http}/metrics`)).text();
  const lines = text.matchAll(new RegExp(`^${name}(?:\\{[^}]*\\})? (.*)$`, "gm"));
  return [...lines].reduce((sum, [, value]) => sum + Number(value), 0);
}

/** What has been used and done up to a moment. */
async function look(rig: ScaleRig) {
  const analysed = rig.results.map(({ http }) => metric(http, "sightline_analysis_seconds_count"));
  const get = async (path: string) => (await fetch(`http://${rig.monitor}/${path}`)).json();
  const [inferred, events, workers, statuses, results, varz, jsz] = await Promise.all([
    rig.frames(streams.detections),
    rig.frames(streams.events),
    Promise.all(rig.workers.map((worker) => worker.counts())),
    rig.statuses(),
    Promise.all(analysed),
    get("varz") as Promise<Record<string, number>>,
    get("jsz") as Promise<Record<string, number>>,
  ]);
  const usage = (pids: readonly number[]) => Promise.all(pids.map((pid) => processUsage(pid)));
  const decoders = rig.ingests.map(({ process }) => descendants(process.child.pid!));
  return {
    ...{ inferred, events, workers, statuses, results, varz, jsz },
    usage: {
      nats: await usage([rig.nats.pid!]),
      ingest: await usage(rig.ingests.map(({ process }) => process.child.pid!)),
      worker: await usage(rig.workers.map(({ pid }) => pid)),
      results: await usage(rig.results.map(({ process }) => process.child.pid!)),
      decoder: (await Promise.all(decoders.map(usage))).map((each) => ({
        cpuSeconds: each.reduce((sum, { cpuSeconds }) => sum + cpuSeconds, 0),
        rssBytes: each.reduce((sum, { rssBytes }) => sum + rssBytes, 0),
      })),
    },
    at: performance.now(),
  };
}

const sum = (values: Iterable<number>) => [...values].reduce((total, value) => total + value, 0);

/** Runs one cell and says what each process used. */
export async function measureCell(cell: ScaleCell, seconds: number): Promise<CellReport> {
  const rig = await ScaleRig.start(cell);
  try {
    await delay(settleMs);
    const held = await Promise.all(rig.results.map(({ http }) => metric(http, "sightline_analysis_cameras")));
    const before = await look(rig);
    await delay(seconds * 1_000);
    const after = await look(rig);
    const took = (after.at - before.at) / 1_000;
    const rate = (from: number, to: number) => (to - from) / took;
    const inferredOf = (camera: string) =>
      rate(before.inferred.get(camera) ?? 0, after.inferred.get(camera) ?? 0);
    const inferred = sum([...after.inferred.keys()].map(inferredOf));
    const events = rate(sum(before.events.values()), sum(after.events.values()));
    const byWorker = after.workers.map(({ frames }, i) => rate(before.workers[i]!.frames, frames));
    const byIngest = rig.ingests.map((_, i) => {
      const cameras = [...after.statuses].filter(([, { ingest }]) => ingest === `i${i + 1}`);
      const captured = cameras.map(([id, now]) => rate(before.statuses.get(id)?.captured ?? 0, now.captured));
      return {
        cameras: cameras.length,
        captured: sum(captured),
        inferred: sum(cameras.map(([id]) => inferredOf(id))),
      };
    });
    const works: Record<ProcessKind, Record<string, number>[]> = {
      nats: [
        {
          ...{ process: 1, camera: cell.cameras, frame: inferred, event: events },
          "frame to further results": inferred * (cell.results - 1),
        },
      ],
      ingest: byIngest.map((each) => ({
        ...{ process: 1, camera: each.cameras, captured: each.captured, inferred: each.inferred },
        event: (events * each.cameras) / cell.cameras,
      })),
      worker: byWorker.map((frame) => ({ process: 1, frame, object: frame * cell.objects })),
      results: held.map((cameras, i) => {
        const analysed = rate(before.results[i]!, after.results[i]!);
        return {
          ...{ process: 1, camera: cameras, "camera of all": cell.cameras },
          ...{ "frame analysed": analysed, "object analysed": analysed * cell.objects },
          ...{ "frame of all": inferred, "event of all": events },
          delivered: i === 0 ? inferred * cell.subscribers : 0,
        };
      }),
      decoder: byIngest.map(({ cameras, captured }) => ({ camera: cameras, captured })),
    };
    const kinds = Object.keys(works) as ProcessKind[];
    const { clip: _, ...rest } = cell;
    const natsRate = (key: string) => rate(before.varz[key]!, after.varz[key]!);
    return {
      cell: rest,
      ...{ captured: sum(byIngest.map(({ captured }) => captured)), inferred, events },
      evenWorkers: jain(byWorker),
      evenIngests: jain(byIngest.map(({ cameras }) => cameras)),
      nats: {
        ...{ messagesIn: natsRate("in_msgs"), messagesOut: natsRate("out_msgs") },
        ...{ bytesIn: natsRate("in_bytes"), bytesOut: natsRate("out_bytes") },
      },
      subscriptions: after.varz.subscriptions!,
      consumers: after.jsz.consumers!,
      processes: kinds.flatMap((kind) =>
        after.usage[kind].map(({ cpuSeconds, rssBytes }, i) => ({
          ...{ kind, rssBytes, work: works[kind][i]! },
          cost: (1_000 * (cpuSeconds - before.usage[kind][i]!.cpuSeconds)) / took,
        })),
      ),
    };
  } finally {
    await rig.stop();
  }
}
