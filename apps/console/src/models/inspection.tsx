import type { HttpInspection } from "@sightline/contracts";
import { inspectVersion } from "../api/model-calls.ts";
import { Fault } from "../shell/notices.tsx";
import { usePolled } from "../state/use-request.ts";
import { formatBytes } from "../words/numbers-and-times.ts";

interface Props {
  model: string;
  version: string;
}

/** Describes a version of a model, file by file. */
export function Inspection({ model, version }: Props) {
  const { value, fault } = usePolled((signal) => inspectVersion(model, version, signal));
  const inspected = value.value;
  const inspection = inspected?.inspection;
  return (
    <section aria-label={`Version ${version} of ${model}`} data-testid="inspection" class="inspection">
      <h3>Version {version}</h3>
      <Fault text={fault.value} />
      {!inspection && (
        <p role="status" class="note">
          {inspected?.message ? `${inspected.message} …` : "Asking the server …"}
        </p>
      )}
      {inspection && (
        <>
          <p class="note">
            {inspection.architecture}, frames of {inspection.width} × {inspection.height},{" "}
            <span class="breaks">{inspection.classes.join(", ")}</span>
          </p>
          {inspection.files.map((file) => (
            <File key={file.encoding} file={file} />
          ))}
        </>
      )}
    </section>
  );
}

function File({ file }: { file: HttpInspection["files"][number] }) {
  const { encoding, file: name, bytes, sha256, words, accuracy, measuredOn } = file;
  const { ap, ap50 } = accuracy;
  return (
    <>
      <h4>{encodings[encoding] ?? encoding}</h4>
      <p class="note breaks">
        {name}, {formatBytes(bytes)}, SHA-256 {sha256}
      </p>
      <ul>
        {words.map((sentence) => (
          <li key={sentence}>{sentence}</li>
        ))}
        <li>
          {ap === undefined
            ? "Its accuracy was not recorded."
            : `AP ${(100 * ap).toFixed(1)}${ap50 === undefined ? "" : `, AP 0.50 ${(100 * ap50).toFixed(1)}`}, measured for ${measuredOn || "a processor that was not recorded"}.`}
        </li>
      </ul>
    </>
  );
}

const encodings: Readonly<Record<string, string>> = {
  fp32: "FP32",
  int8Cpu: "INT8 for CPUs",
  int8Trt: "INT8 for TensorRT",
  trtEngine: "TensorRT engine",
};
