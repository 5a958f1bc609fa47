import type { HttpSystem } from "@sightline/contracts";
import { formatFps, formatMs, formatShare, formatTime } from "../words/numbers-and-times.ts";
import { FillBar } from "./stream-table.tsx";

/** Hardware of each ONNX Runtime execution provider. */
const providerNames: Readonly<Record<string, string>> = {
  cpu: "CPU",
  cuda: "NVIDIA GPU (CUDA)",
  tensorrt: "NVIDIA GPU (TensorRT)",
};

/** Every inference worker, with its model and its load. */
export function Workers({ workers }: { workers: HttpSystem["workers"] }) {
  return (
    <section class="panel" aria-labelledby="workers-title">
      <h2 id="workers-title">Inference workers</h2>
      {workers.length === 0 && (
        <p class="fault">No worker runs: nothing is analysed. Start services/inference.</p>
      )}
      <ul class="workers" data-testid="workers">
        {workers.map((worker) => (
          <li key={worker.id}>
            <h3>{worker.id}</h3>
            <p class="note">
              on {worker.host}, since {formatTime(worker.startTime)}
            </p>
            <div class="worker-load">
              <FillBar
                share={worker.utilization}
                warnAt={0.9}
                label={`${formatShare(worker.utilization)} busy`}
              />
              <b>{formatShare(worker.utilization)} busy</b>
            </div>
            <dl class="facts">
              <Fact name="Model" value={worker.model} />
              <Fact name="Precision" value={worker.precision.toUpperCase()} />
              <Fact
                name="Provider"
                value={providerNames[worker.executionProvider.toLowerCase()] ?? worker.executionProvider}
              />
              <Fact name="Speed" value={`${formatFps(worker.framesPerSecond)} frames/s`} />
              <Fact
                name="Batch"
                value={`${worker.meanBatchSize.toFixed(1)} mean, at most ${worker.batchSize}`}
              />
              {worker.sessions !== undefined && (
                <Fact name="Sessions" value={`${worker.sessions} at the same time`} />
              )}
              {(worker.secondStages ?? []).map(({ model, loaded, fault }) => (
                <Fact
                  key={model}
                  name={`Second stage ${model}`}
                  value={fault ? `cannot be loaded: ${fault}` : loaded ? "loaded" : "not asked for"}
                />
              ))}
              <Fact name="Model file" value={worker.modelDigest.replace(/^sha256:/, "").slice(0, 12)} />
            </dl>
            {worker.batchCurve.length > 0 && <BatchCurve curve={worker.batchCurve} />}
          </li>
        ))}
      </ul>
    </section>
  );
}

function Fact({ name, value }: { name: string; value: string }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  );
}

/** The highest speed of one of these workers, by its own measurement. */
export function bestSpeed(workers: HttpSystem["workers"]): string {
  const speeds = workers.flatMap(({ batchCurve, sessions = 1 }) =>
    batchCurve.map(({ batch, milliseconds }) => (sessions * batch * 1000) / milliseconds),
  );
  const best = Math.max(0, ...speeds);
  const alone = workers.flatMap(({ batchCurve }) => batchCurve).find((point) => point.batch === 1);
  return best > 0
    ? `${formatFps(best)} frames/s${alone ? `, ${formatMs(alone.milliseconds)} each` : ""}`
    : "–";
}

type Curve = HttpSystem["workers"][number]["batchCurve"];

/** Time of each batch size, measured when the worker started; the bars show the speed. */
function BatchCurve({ curve }: { curve: Curve }) {
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
