import type { HttpCameraStatus } from "@sightline/contracts";
import { formatCount } from "../words/numbers-and-times.ts";
import { ledgerParts } from "./ledger-parts.ts";

/** What happened to every frame since ingest took over the camera, as a bar that adds up to 100%. */
export function LedgerBar({ ledger }: { ledger: HttpCameraStatus["ledger"] }) {
  const parts = ledgerParts(ledger);
  return (
    <section class="panel" aria-labelledby="ledger-title">
      <h2 id="ledger-title">What became of every frame</h2>
      <p class="note">
        {ledger.captured === 0
          ? "No frame has come yet since an ingest process took the camera."
          : `${formatCount(ledger.captured)} frames captured. Each is in exactly one part, so that the parts add up to 100%.`}
      </p>
      <div class="ledger-bar" aria-hidden="true">
        {parts.map((part) => (
          <span
            key={part.name}
            class={`part ${part.key}`}
            style={{ flexGrow: part.count }}
            title={part.name}
          />
        ))}
      </div>
      <table class="ledger-table" data-testid="ledger">
        <caption class="hidden">Captured frames by what became of them</caption>
        <thead class="hidden">
          <tr>
            <th scope="col">Part</th>
            <th scope="col">Share</th>
            <th scope="col">Frames</th>
            <th scope="col">Meaning</th>
          </tr>
        </thead>
        <tbody>
          {parts.map((part) => (
            <tr key={part.name}>
              <th scope="row">
                <span class={`swatch ${part.key}`} aria-hidden="true" />
                {part.name}
              </th>
              <td class="number">{(part.permille / 10).toFixed(1)}%</td>
              <td class="number">{formatCount(part.count)}</td>
              <td class="note">{part.meaning}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
