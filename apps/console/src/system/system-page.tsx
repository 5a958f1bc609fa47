import { Findings } from "../camera/findings.tsx";
import { Page } from "../shell/page.tsx";
import { cameras } from "../state/cameras.ts";
import { system, systemFault, useSystem } from "../state/system.ts";
import { CameraFindings } from "./camera-findings.tsx";
import { ModelTable } from "./model-table.tsx";
import { StreamTable } from "./stream-table.tsx";
import { Workers } from "./workers.tsx";

/** Workers, streams and models, and where the bottleneck is. */
export function SystemPage() {
  useSystem();
  const now = system.value;
  return (
    <Page title="System">
      {systemFault.value !== "" && (
        <p class="fault" role="alert">
          The state of the system could not be fetched. {systemFault.value}
        </p>
      )}
      {!now && systemFault.value === "" && <p class="note">Asking the server …</p>}
      {now && (
        <>
          <section class="panel" aria-labelledby="bottleneck-title">
            <h2 id="bottleneck-title">What is dropping, and where the bottleneck is</h2>
            <Findings
              findings={now.findings}
              fine="Nothing is dropped that should have been analysed; no part is near its limit."
            />
            <CameraFindings cameras={cameras.value ?? []} />
          </section>
          <Workers workers={now.workers} />
          <StreamTable streams={now.streams} storage={now.storage} />
          <ModelTable models={now.models} workers={now.workers} />
          <p class="note">
            Sightline {now.version} · NATS {now.nats.connected ? `${now.nats.version}` : "not connected"}
            {now.nats.cluster !== "" && `, cluster ${now.nats.cluster}`}
          </p>
        </>
      )}
    </Page>
  );
}
