import { useSignal } from "@preact/signals";
import type { HttpModel } from "@sightline/contracts";
import { activateModel, deleteVersion, rollbackModel } from "../api/model-calls.ts";
import { cameraPath } from "../routing/route.ts";
import { ConfirmDialog } from "../shell/confirm-dialog.tsx";
import { DataTable } from "../shell/data-table.tsx";
import { may } from "../state/auth.ts";
import { formatFullTime, plural } from "../words/numbers-and-times.ts";
import { Inspection } from "./inspection.tsx";

interface Props {
  model: HttpModel;
  onChanged: () => void;
}

type Named = { version: string; number: number };
type Asked = Named | "rollback";

/** One model: what it is, who uses it, and its versions, one of which is active. */
export function ModelCard({ model, onChanged }: Props) {
  const asked = useSignal<Asked | undefined>(undefined);
  const deleted = useSignal<Named | undefined>(undefined);
  const inspected = useSignal<string | undefined>(undefined);
  const said = useSignal("");
  const { name, versions, previousVersion, workers } = model;
  const id = `model-${name}`;
  const isAdmin = may("admin");
  const change = async () => {
    const wanted = asked.value!;
    const { version, warnings } =
      wanted === "rollback" ? await rollbackModel(name) : await activateModel(name, wanted.version);
    said.value = [`Version ${version.number} (${version.version}) of ${name} is active.`, ...warnings].join(
      " ",
    );
    onChanged();
  };
  return (
    <section class="panel" aria-labelledby={id} data-testid={`model-${name}`}>
      <div class="panel-head">
        <h2 id={id}>{name}</h2>
        {isAdmin && workers > 0 && previousVersion !== "" && (
          <button type="button" aria-label={`Roll back ${name}`} onClick={() => (asked.value = "rollback")}>
            Roll back
          </button>
        )}
      </div>
      <ModelFacts model={model} />
      {workers === 0 && (
        <p class="note">It is loaded when a camera asks for it; its versions are known from then on.</p>
      )}
      {versions.length > 0 && (
        <VersionTable
          model={model}
          canChange={isAdmin}
          inspected={inspected.value}
          onAsk={(version) => (asked.value = version)}
          onDelete={(version) => (deleted.value = version)}
          onInspect={(version) => (inspected.value = inspected.value === version ? undefined : version)}
        />
      )}
      {versions.length === 0 && model.activeVersion !== "" && (
        <div class="buttons">
          <button
            type="button"
            aria-expanded={inspected.value !== undefined}
            aria-label={`Inspect ${name}`}
            onClick={() => (inspected.value = inspected.value ? undefined : model.activeVersion)}
          >
            Inspect
          </button>
        </div>
      )}
      {inspected.value && <Inspection key={inspected.value} model={name} version={inspected.value} />}
      <p role="status" class="note">
        {said.value}
      </p>
      {deleted.value && (
        <ConfirmDialog
          title={`Delete version ${deleted.value.number} of ${name}?`}
          yes="Delete"
          no="Keep it"
          onConfirm={async () => {
            const { version, number } = deleted.value!;
            await deleteVersion(name, version);
            said.value = `Version ${number} (${version}) of ${name} is deleted.`;
            onChanged();
          }}
          onClose={() => (deleted.value = undefined)}
        >
          <p>It is removed from the server and from the disks of all workers.</p>
        </ConfirmDialog>
      )}
      {asked.value && (
        <ConfirmDialog
          title={
            asked.value === "rollback"
              ? `Go back to version ${previousVersion} of ${name}?`
              : `Activate version ${asked.value.number} of ${name}?`
          }
          yes={asked.value === "rollback" ? "Roll back" : "Activate"}
          no="Leave it"
          onConfirm={change}
          onClose={() => (asked.value = undefined)}
        >
          <p>
            All its workers load the version beside the one that they serve, try it out, and change without a
            stop. When one cannot, nothing changes.
          </p>
        </ConfirmDialog>
      )}
    </section>
  );
}

function ModelFacts({ model }: { model: HttpModel }) {
  const { architecture, width, height, classes, precisions, digests, workers, cameras } = model;
  return (
    <dl class="facts">
      <Fact name="Architecture">{architecture}</Fact>
      <Fact name="Input">
        {width} × {height}
      </Fact>
      <Fact name="Classes">
        <span class="breaks">{classes.join(", ")}</span>
      </Fact>
      <Fact name="Loaded by">{workers === 0 ? "no worker" : plural(workers, "worker")}</Fact>
      <Fact name="Precision">{precisions.length === 0 ? "–" : precisions.join(", ").toUpperCase()}</Fact>
      <Fact name="File">
        <span class="breaks">{digests.length === 0 ? "–" : digests.join(", ")}</span>
      </Fact>
      <Fact name="Cameras">
        {cameras.length === 0
          ? "none that you see"
          : cameras.map((camera, index) => (
              <>
                {index > 0 && ", "}
                <a class="breaks" href={cameraPath(camera)}>
                  {camera}
                </a>
              </>
            ))}
      </Fact>
    </dl>
  );
}

function Fact({ name, children }: { name: string; children: preact.ComponentChildren }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

interface VersionsProps {
  model: HttpModel;
  canChange: boolean;
  /** The version whose details are shown. */
  inspected: string | undefined;
  onAsk: (version: Named) => void;
  onDelete: (version: Named) => void;
  onInspect: (version: string) => void;
}

function VersionTable({ model, canChange, inspected, onAsk, onDelete, onInspect }: VersionsProps) {
  return (
    <DataTable
      label={`Versions of ${model.name}`}
      columns={["Version", "Digest", "Served by", "On the disk of", "First seen"]}
      buttons="Changes"
    >
      {model.versions.map((version) => (
        <tr key={version.version}>
          <th scope="row">
            {version.number}
            {version.active && <span class="tag">active</span>}
            {version.previous && <span class="tag">before</span>}
          </th>
          <td data-label="Digest">{version.version}</td>
          <td data-label="Served by">{plural(version.servingWorkers, "worker")}</td>
          <td data-label="On the disk of">
            {version.workersWith} of {plural(version.workersWith + version.workersWithout, "worker")}
          </td>
          <td data-label="First seen">{version.seenTime ? formatFullTime(version.seenTime) : "–"}</td>
          <td>
            <div class="buttons">
              <button
                type="button"
                aria-expanded={inspected === version.version}
                aria-label={`Inspect version ${version.number} of ${model.name}`}
                onClick={() => onInspect(version.version)}
              >
                Inspect
              </button>
              {canChange && version.uploaded && !version.active && version.servingWorkers === 0 && (
                <button
                  type="button"
                  class="danger"
                  aria-label={`Delete version ${version.number} of ${model.name}`}
                  onClick={() => onDelete(version)}
                >
                  Delete
                </button>
              )}
              {canChange && !version.active && version.workersWith > 0 && (
                <button
                  type="button"
                  aria-label={`Activate version ${version.number} of ${model.name}`}
                  onClick={() => onAsk(version)}
                >
                  Activate
                </button>
              )}
            </div>
          </td>
        </tr>
      ))}
    </DataTable>
  );
}
