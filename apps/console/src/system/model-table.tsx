import type { HttpSystem } from "@sightline/contracts";
import { DataTable } from "../shell/data-table.tsx";
import { ModelNotice } from "../shell/notices.tsx";
import { plural } from "../words/numbers-and-times.ts";
import { bestSpeed } from "./workers.tsx";

interface Props {
  models: HttpSystem["models"];
  workers: HttpSystem["workers"];
}

/** Served models: their accuracy and speed. */
export function ModelTable({ models, workers }: Props) {
  return (
    <section class="panel" aria-labelledby="models-title">
      <h2 id="models-title">Models</h2>
      <DataTable
        label="Table of models"
        testId="models"
        columns={[
          "Model",
          "Architecture",
          "Input",
          "Classes",
          "AP",
          "AP at IoU 0.5",
          "Measured with",
          "Fastest worker",
        ]}
      >
        {models.map((model) => (
          <tr key={model.name}>
            <th scope="row">
              {model.name}
              {model.isDefault && <span class="tag">default</span>}
            </th>
            <td data-label="Architecture">{model.architecture}</td>
            <td class="number" data-label="Input">
              {model.width} × {model.height}
            </td>
            <td data-label="Classes" title={model.classes.join(", ")}>
              {model.classes.length <= 3
                ? model.classes.join(", ")
                : plural(model.classes.length, "class", "classes")}
            </td>
            <td class="number" data-label="AP">
              {model.accuracy ? model.accuracy.ap.toFixed(3) : "not measured"}
            </td>
            <td class="number" data-label="AP at IoU 0.5">
              {model.accuracy ? model.accuracy.ap50.toFixed(3) : "–"}
            </td>
            <td data-label="Measured with">{measuredWith(model.accuracy)}</td>
            <td data-label="Fastest worker">
              {bestSpeed(workers.filter((worker) => worker.model === model.name))}
            </td>
          </tr>
        ))}
      </DataTable>
      {models.map(({ name }) => (
        <ModelNotice key={name} model={name} />
      ))}
    </section>
  );
}

/** Which file the figures belong to, and the kind of processor. */
function measuredWith(accuracy: HttpSystem["models"][number]["accuracy"]): string {
  if (!accuracy?.encoding) return "–";
  return `${accuracy.encoding}, ${accuracy.measuredOn ?? "processor not recorded"}`;
}
