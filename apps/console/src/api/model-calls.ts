import type {
  HttpActivated,
  HttpInspected,
  HttpModelJob,
  HttpModelJobs,
  HttpModels,
  HttpNewEvaluation,
  HttpNewImport,
  HttpNewShadow,
  HttpShadow,
  HttpShadows,
} from "@sightline/contracts";
import { RequestError, request, requestJson } from "./request.ts";

/** How long, and how often, sending of pieces is retried while the server is away; by the status of its answer, 0 for none. */
const [patienceMs, retryMs] = [60_000, 500];
const awayStatuses: ReadonlySet<number> = new Set([0, 502, 503, 504]);

export const inspectVersion = (model: string, version: string, signal?: AbortSignal) =>
  requestJson<HttpInspected>(versionPath(model, version), { signal });

export const deleteVersion = (model: string, version: string) =>
  request(versionPath(model, version), { method: "DELETE" });

export const listJobs = (signal?: AbortSignal) => requestJson<HttpModelJobs>("/model-jobs", { signal });

export const cancelJob = (id: string) => request(`/model-jobs/${id}/cancel`, { method: "POST" });

export const deleteJob = (id: string) => request(`/model-jobs/${id}`, { method: "DELETE" });

/** Reports how many of the bytes have been sent. */
export type OnSent = (doneBytes: number, totalBytes: number) => void;

export const uploadModel = (body: HttpNewImport, file: File, onSent: OnSent, signal: AbortSignal) =>
  send("import", body, { export: file }, onSent, signal);

export const evaluateModels = (
  body: HttpNewEvaluation,
  files: { clip: File; labels: File },
  onSent: OnSent,
  signal: AbortSignal,
) => send("evaluation", body, files, onSent, signal);

/** Creates a job, sends its files in pieces, and starts it. If the files cannot be sent, the job is deleted. */
async function send(
  kind: "import" | "evaluation",
  body: unknown,
  files: Readonly<Record<string, File>>,
  onSent: OnSent,
  signal: AbortSignal,
): Promise<HttpModelJob> {
  const { id, pieceBytes } = await requestJson<HttpModelJob>(`/model-jobs/${kind}`, {
    method: "POST",
    body,
    signal,
  });
  const path = `/model-jobs/${id}`;
  const total = Object.values(files).reduce((sum, { size }) => sum + size, 0);
  let done = 0;
  try {
    for (const [name, file] of Object.entries(files))
      for (let piece = 0; piece * pieceBytes < file.size; piece++) {
        const content = file.slice(piece * pieceBytes, (piece + 1) * pieceBytes);
        await patiently(signal, () =>
          request(`${path}/files/${name}/${piece}`, { method: "PUT", body: content, signal }),
        );
        done += content.size;
        onSent(done, total);
      }
    return await patiently(signal, () =>
      requestJson<HttpModelJob>(`${path}/start`, { method: "POST", signal }),
    );
  } catch (error) {
    await deleteJob(id).catch(() => undefined);
    throw error;
  }
}

/** Repeats a call, which must be safe to repeat, while the server is away: a restart must not lose what was already sent. */
async function patiently<T>(signal: AbortSignal, call: () => Promise<T>): Promise<T> {
  const deadline = performance.now() + patienceMs;
  for (;;)
    try {
      return await call();
    } catch (error) {
      const isAway = error instanceof RequestError && awayStatuses.has(error.status);
      if (!isAway || signal.aborted || performance.now() > deadline) throw error;
      await new Promise((resolve) => setTimeout(resolve, retryMs));
    }
}

function versionPath(model: string, version: string): string {
  return `/models/${encodeURIComponent(model)}/versions/${encodeURIComponent(version)}`;
}

export const listModels = (signal?: AbortSignal) => requestJson<HttpModels>("/models", { signal });

export const activateModel = (model: string, version: string) =>
  requestJson<HttpActivated>(`${path(model)}/activate`, { method: "POST", body: { version } });

export const rollbackModel = (model: string) =>
  requestJson<HttpActivated>(`${path(model)}/rollback`, { method: "POST" });

export const listShadows = (signal?: AbortSignal) => requestJson<HttpShadows>("/shadows", { signal });

export const getShadow = (id: string, signal?: AbortSignal) =>
  requestJson<HttpShadow>(`/shadows/${id}`, { signal });

export const startShadow = (body: HttpNewShadow) =>
  requestJson<HttpShadow>("/shadows", { method: "POST", body });

export const stopShadow = (id: string) => request(`/shadows/${id}/stop`, { method: "POST" });

export const deleteShadow = (id: string) => request(`/shadows/${id}`, { method: "DELETE" });

export function shadowPicture(id: string, frame: string): string {
  return `/api/v1/shadows/${id}/pictures/${encodeURIComponent(frame)}`;
}

function path(model: string): string {
  return `/models/${encodeURIComponent(model)}`;
}
