import type { HttpModelScores } from "@sightline/contracts";
import { formatMs } from "../words/numbers-and-times.ts";

const names: readonly (readonly [string, string])[] = [
  ["ap", "AP 0.50:0.95"],
  ["ap50", "AP 0.50"],
  ["ap75", "AP 0.75"],
  ["apSmall", "AP small"],
  ["apMedium", "AP medium"],
  ["apLarge", "AP large"],
  ["ar1", "AR, 1 a picture"],
  ["ar10", "AR, 10 a picture"],
  ["ar100", "AR, 100 a picture"],
  ["arSmall", "AR small"],
  ["arMedium", "AR medium"],
  ["arLarge", "AR large"],
];

/** COCO's metrics, in percent; for two versions side by side with their difference. */
export function ScoreTable({ scores, label }: { scores: readonly HttpModelScores[]; label: string }) {
  const [first, second] = scores;
  if (!first) return null;
  const rows: [string, number[]][] = [
    ...names.map(([key, name]): [string, number[]] => [
      name,
      scores.map(({ metrics }) => metrics[key] ?? -1),
    ]),
    [`AP, taller than ${first.minHeight} px`, scores.map(({ apTaller }) => apTaller)],
    [`AP 0.50, taller than ${first.minHeight} px`, scores.map(({ ap50Taller }) => ap50Taller)],
  ];
  return (
    <>
      <div class="scroll" tabIndex={0} role="region" aria-label={`Scores of ${label}`}>
        <table class="data" data-testid="scores">
          <thead>
            <tr>
              <th scope="col">In percent</th>
              {scores.map(({ model, version, encoding }) => (
                <th scope="col" class="number" key={`${model} ${version} ${encoding}`}>
                  {model} <span class="breaks">{version}</span> {encoding}
                </th>
              ))}
              {second && (
                <th scope="col" class="number">
                  Difference
                </th>
              )}
            </tr>
          </thead>
          <tbody>
            {rows.map(([name, values]) => (
              <tr key={name}>
                <th scope="row">{name}</th>
                {values.map((value, index) => (
                  <td class="number" key={index}>
                    {percent(value)}
                  </td>
                ))}
                {second && <td class="number">{difference(values)}</td>}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <p class="note">
        {first.frames} frames;{" "}
        {scores
          .map(({ processor, inferenceMs }) => `${formatMs(inferenceMs)} each (${processor})`)
          .join(" and ")}
        , with what cameras left of the processor.
      </p>
    </>
  );
}

/** A dash where there was nothing to find. */
function percent(value: number): string {
  return value < 0 ? "–" : (100 * value).toFixed(1);
}

function difference([one = -1, other = -1]: readonly number[]): string {
  if (one < 0 || other < 0) return "–";
  const points = (100 * (other - one)).toFixed(1);
  return other > one ? `+${points}` : points;
}
