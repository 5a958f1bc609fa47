import { listJobs, listModels, listShadows } from "../api/model-calls.ts";
import { Fault } from "../shell/notices.tsx";
import { Page } from "../shell/page.tsx";
import { usePolled } from "../state/use-request.ts";
import { sentence } from "../words/names.ts";
import { ModelCard } from "./model-card.tsx";
import { Evaluations, Uploads } from "./model-jobs.tsx";
import { Shadows } from "./shadows.tsx";

/** Models and their versions: upload, scoring, and comparison with another model on a camera's frames. */
export function ModelsPage() {
  const models = usePolled(listModels);
  const shadows = usePolled(listShadows);
  const jobs = usePolled(listJobs);
  const listed = models.value.value?.models;
  return (
    <Page title="Models">
      <Fault text={models.fault.value} />
      {!listed && models.fault.value === "" && <p class="note">Asking the server …</p>}
      {listed?.length === 0 && (
        <p class="fault">No worker has a model now. Start services/inference, or look at the System page.</p>
      )}
      {models.value.value?.faults.map((words) => (
        <Fault key={words} text={sentence(words)} />
      ))}
      {listed?.map((model) => (
        <ModelCard key={model.name} model={model} onChanged={models.reload} />
      ))}
      <Fault text={jobs.fault.value} />
      {listed && jobs.value.value && (
        <>
          <Uploads models={listed} jobs={jobs.value.value.jobs} onChanged={jobs.reload} />
          <Evaluations models={listed} jobs={jobs.value.value.jobs} onChanged={jobs.reload} />
        </>
      )}
      <Fault text={shadows.fault.value} />
      {listed && shadows.value.value && (
        <Shadows models={listed} shadows={shadows.value.value.shadows} onChanged={shadows.reload} />
      )}
    </Page>
  );
}
