import { useSignal } from "@preact/signals";
import type { HttpSample } from "@sightline/contracts";
import { useEffect, useMemo } from "preact/hooks";
import { getSeries } from "../api/calls.ts";
import { describeFailure } from "../api/request.ts";
import { Chart, type ChartSeries } from "../charts/chart.tsx";
import { SeriesWindow, stages } from "../charts/series-window.ts";
import { connectionCount, onSamples } from "../state/live.ts";
import { formatFps, formatMs } from "../words/numbers-and-times.ts";

const seconds = 300;

const percentiles = ["p50", "p95", "p99"] as const;
const percentileSeries: ChartSeries[] = percentiles.map((name, index) => ({
  name,
  color: `--line-${index + 1}`,
}));
const stageSeries: ChartSeries[] = stages.map((name) => ({ name, color: `--stage-${name}` }));
const fpsSeries: ChartSeries[] = [
  { name: "asked", color: "--text-soft", dashed: true },
  { name: "captured", color: "--line-1" },
  { name: "inferred", color: "--line-2" },
];

/** Latency and frame rates of the last minutes, updated every second. */
export function CameraCharts({ id, targetFps }: { id: string; targetFps: number }) {
  const window = useMemo(() => new SeriesWindow(seconds), []);
  const version = useSignal(0);
  const fault = useSignal("");
  // Events from the time when the server was away are fetched when it is back.
  const session = Math.max(1, connectionCount.value);

  useEffect(() => {
    const aborted = new AbortController();
    getSeries(id, seconds, aborted.signal).then(
      (series) => {
        window.add(series.samples);
        version.value++;
        fault.value = "";
      },
      (error) => {
        if (!aborted.signal.aborted) fault.value = describeFailure(error);
      },
    );
    return () => aborted.abort();
  }, [session]);

  useEffect(
    () =>
      onSamples((samples) => {
        const sample = samples[id];
        if (!sample) return;
        window.add([sample]);
        version.value++;
      }),
    [],
  );

  const data = useMemo(
    () => ({
      latency: window.columns(
        percentiles.map((name) => (sample: HttpSample) => sample.latencyMs?.[name] ?? null),
      ),
      stages: window.columns(
        stages.map(
          (name) => (sample: HttpSample) => (sample.latencyMs ? (sample.stagesMs[name] ?? 0) : null),
        ),
      ),
      fps: window.columns([
        () => (targetFps > 0 ? targetFps : null),
        (sample) => sample.captured,
        (sample) => sample.inferred,
      ]),
    }),
    [version.value, targetFps],
  );

  return (
    <section class="panel charts" aria-labelledby="charts-title">
      <h2 id="charts-title">The last five minutes</h2>
      {fault.value !== "" && (
        <p class="fault" role="alert">
          Earlier values could not be fetched. {fault.value}
        </p>
      )}
      <Chart
        title="Latency"
        note="From capture to delivery"
        series={percentileSeries}
        data={data.latency}
        format={formatMs}
      />
      <Chart
        title="Latency by stage"
        note="Where the mean frame's time goes"
        series={stageSeries}
        data={data.stages}
        format={formatMs}
        stacked
      />
      <Chart
        title="Frames per second"
        note={
          targetFps > 0 ? "Asked: at most what the settings say" : "Asked: every frame that the camera sends"
        }
        series={fpsSeries}
        data={data.fps}
        format={formatFps}
      />
    </section>
  );
}
