import type { HttpSystem } from "@sightline/contracts";
import { formatFps, formatMs } from "../words/numbers.ts";

type Curve = HttpSystem["workers"][number]["batchCurve"];

/** What a batch of each size takes, as the worker measured when it started: the bar is its speed. */
export function BatchCurve({ curve }: { curve: Curve }) {
  const speed = (point: Curve[number]) => (point.batch * 1000) / point.milliseconds;
  const best = Math.max(...curve.map(speed));
  return (
    <table class="batch-curve">
      <caption>Measured at start</caption>
      <thead>
        <tr>
          <th scope="col">Batch</th>
          <th scope="col">Time</th>
          <th scope="col">Frames/s</th>
          <th scope="col" class="bar-column">
            <span class="hidden">Speed against the best</span>
          </th>
        </tr>
      </thead>
      <tbody>
        {curve.map((point) => (
          <tr key={point.batch}>
            <td class="number">{point.batch}</td>
            <td class="number">{formatMs(point.milliseconds)}</td>
            <td class="number">{formatFps(speed(point))}</td>
            <td>
              <span class="fill-bar" aria-hidden="true">
                <span style={{ width: `${(speed(point) / best) * 100}%` }} />
              </span>
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
