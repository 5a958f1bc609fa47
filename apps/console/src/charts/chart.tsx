import { useSignal } from "@preact/signals";
import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import uPlot from "uplot";
import { stack } from "./series-window.ts";

export interface ChartSeries {
  name: string;
  /** Name of the CSS custom property that holds its colour. */
  color: string;
  dashed?: boolean;
}

interface Props {
  title: string;
  series: readonly ChartSeries[];
  /** Times in seconds, then a column for each series. */
  data: [number[], ...(number | null)[][]];
  /** Stacks the series on top of each other, filled. */
  stacked?: boolean;
  format(value: number): string;
  /** Explains how to read the chart. */
  note: string;
}

const height = 170;

/** A chart over time with a legend that shows the values under the pointer, or the newest ones. */
export function Chart({ title, series, data, stacked = false, format, note }: Props) {
  const place = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | undefined>(undefined);
  const pointed = useSignal<number | null>(null);
  const drawn = stacked ? layers(data) : data;

  useLayoutEffect(() => {
    const element = place.current;
    if (!element) return;
    const build = () => {
      plot.current?.destroy();
      const pointAt = (index: number | null) => {
        pointed.value = index;
      };
      plot.current = new uPlot(options(element, series, stacked, format, pointAt), drawn, element);
    };
    build();
    const resized = new ResizeObserver(() => plot.current?.setSize({ width: element.clientWidth, height }));
    resized.observe(element);
    const scheme = matchMedia("(prefers-color-scheme: dark)");
    scheme.addEventListener("change", build);
    return () => {
      resized.disconnect();
      scheme.removeEventListener("change", build);
      plot.current?.destroy();
      plot.current = undefined;
    };
  }, []);

  useEffect(() => plot.current?.setData(drawn), [data]);

  const [times, ...columns] = data;
  const row = pointed.value ?? times.length - 1;
  return (
    <figure
      class="chart"
      data-testid={`chart-${title.toLowerCase().replaceAll(" ", "-")}`}
      data-newest={times.at(-1)}
    >
      <figcaption>
        <h3>{title}</h3>
        <p class="note">{note}</p>
      </figcaption>
      <ul class="chart-legend" aria-label={`${title}: values now`}>
        {series.map((one, index) => (
          <li key={one.name}>
            <svg viewBox="0 0 12 4" aria-hidden="true" class={one.dashed ? "dashed" : ""}>
              <line x1="0" y1="2" x2="12" y2="2" style={{ stroke: `var(${one.color})` }} />
            </svg>
            {one.name} <b>{text(columns[index]?.[row], format)}</b>
          </li>
        ))}
      </ul>
      <div class="chart-frame">
        <div class="chart-place" ref={place} aria-hidden="true" />
        {!columns.some((column) => column.some((value) => value !== null)) && (
          <p class="chart-empty note">No frames in this time.</p>
        )}
      </div>
    </figure>
  );
}

function text(value: number | null | undefined, format: (value: number) => string): string {
  return value === null || value === undefined ? "–" : format(value);
}

/** The sums of stacked columns, highest first: each one hides the lower part of the one before. */
function layers([times, ...columns]: Props["data"]): Props["data"] {
  return [times, ...stack(columns).reverse()];
}

function options(
  element: HTMLElement,
  series: readonly ChartSeries[],
  stacked: boolean,
  format: (value: number) => string,
  pointAt: (index: number | null) => void,
): uPlot.Options {
  const style = getComputedStyle(element);
  const color = (name: string) => style.getPropertyValue(name).trim();
  const axis: uPlot.Axis = {
    stroke: color("--text-soft"),
    grid: { stroke: color("--line"), width: 1 },
    ticks: { show: false },
    font: `11px ${style.fontFamily}`,
  };
  const ordered = stacked ? [...series].reverse() : series;
  return {
    width: element.clientWidth,
    height,
    legend: { show: false },
    cursor: { sync: { key: "time" }, drag: { x: false, y: false }, points: { show: !stacked } },
    scales: { y: { range: (_plot, _min, max) => [0, max > 0 ? max * 1.08 : 10] } },
    axes: [
      { ...axis, size: 26, space: 70, values: "{HH}:{mm}:{ss}" },
      { ...axis, size: 58, space: 28, values: (_plot, values) => values.map(format) },
    ],
    series: [
      {},
      ...ordered.map((one) => ({
        label: one.name,
        stroke: color(one.color),
        width: stacked ? 0 : 1.75,
        points: { show: false },
        ...(stacked ? { fill: color(one.color) } : {}),
        ...(one.dashed ? { dash: [5, 4] } : {}),
      })),
    ],
    hooks: { setCursor: [(plot) => pointAt(plot.cursor.idx ?? null)] },
  };
}
