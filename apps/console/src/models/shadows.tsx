import { useSignal } from "@preact/signals";
import type { HttpModel, HttpShadow } from "@sightline/contracts";
import { DataTable } from "../shell/data-table.tsx";
import { may } from "../state/auth.ts";
import { formatFullTime, formatShare } from "../words/numbers-and-times.ts";
import { ShadowForm } from "./shadow-form.tsx";
import { ShadowReport, stateWords } from "./shadow-report.tsx";

interface Props {
  models: readonly HttpModel[];
  shadows: readonly HttpShadow[];
  onChanged: () => void;
}

/** Running and ended shadows, the report of the selected one, and a form for a new one. */
export function Shadows({ models, shadows, onChanged }: Props) {
  const shown = useSignal<string | undefined>(undefined);
  return (
    <section class="panel" aria-labelledby="shadows-title">
      <h2 id="shadows-title">Shadows</h2>
      <p class="note">
        A share of a camera's frames is also run by another model, and what both find is compared. The
        camera's results are as without it.
      </p>
      {may("admin") && (
        <ShadowForm
          models={models}
          onStarted={(id) => {
            shown.value = id;
            onChanged();
          }}
        />
      )}
      {shadows.length === 0 && <p class="note">None has run yet.</p>}
      {shadows.length > 0 && (
        <DataTable
          label="Table of shadows"
          testId="shadows"
          columns={["Camera", "Model", "Started", "State", "Frames", "Agreement"]}
          buttons="Report"
        >
          {shadows.map((shadow) => (
            <tr key={shadow.id}>
              <th scope="row" class="breaks">
                {shadow.camera}
              </th>
              <td data-label="Model" class="breaks">
                {modelWords(shadow)}
              </td>
              <td data-label="Started">{formatFullTime(shadow.startTime)}</td>
              <td data-label="State">{stateWords(shadow)}</td>
              <td data-label="Frames" class="number">
                {shadow.frames}
              </td>
              <td data-label="Agreement" class="number">
                {shadow.frames > 0 ? formatShare(shadow.total.agreement) : "–"}
              </td>
              <td>
                <button
                  type="button"
                  aria-label={`Report of ${modelWords(shadow)} on ${shadow.camera}, started ${formatFullTime(shadow.startTime)}`}
                  aria-expanded={shown.value === shadow.id}
                  onClick={() => (shown.value = shown.value === shadow.id ? undefined : shadow.id)}
                >
                  Report
                </button>
              </td>
            </tr>
          ))}
        </DataTable>
      )}
      {shown.value && shadows.some(({ id }) => id === shown.value) && (
        <ShadowReport key={shown.value} id={shown.value} onChanged={onChanged} />
      )}
    </section>
  );
}

function modelWords({ model, version, precision }: HttpShadow): string {
  return [model, version, precision.toUpperCase()].filter((part) => part !== "").join(" ");
}
