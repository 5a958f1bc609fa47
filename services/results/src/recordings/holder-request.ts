import { httpErrorSchema, type RecordingsAnswer } from "@sightline/contracts";
import type { z } from "zod";
import { ApiError } from "../errors.ts";
import type { RecordingHolders } from "./recording-holders.ts";

/** How long to wait for the start of an answer: an hour of video may come from a slow disk. */
const answerMs = 60_000;

/** One request to the ingest that holds a recording. */
export interface HolderRequest {
  /** Includes the query. */
  path: string;
  method?: "GET" | "DELETE";
  headers?: Record<string, string>;
  /** Ends the request, even while the body is read. */
  signal?: AbortSignal | undefined;
}

/**
 * Sends a request to an ingest. The body is read at the speed of its reader. Returns answers below 400, and 416.
 * @throws ApiError recording_not_found, recording_unavailable
 */
export async function askHolder(holder: RecordingsAnswer, request: HolderRequest): Promise<Response> {
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(new Error(`no answer within ${answerMs / 1000} s`)), answerMs);
  const signals = request.signal ? [request.signal, late.signal] : [late.signal];
  let response: Response;
  try {
    response = await fetch(new URL(request.path, holder.url), {
      method: request.method ?? "GET",
      headers: { ...request.headers, authorization: `Bearer ${holder.token}` },
      signal: AbortSignal.any(signals),
    });
  } catch (cause) {
    // No cause: the caller cancelled, so there is nothing to log.
    if (request.signal?.aborted) throw new ApiError("recording_unavailable", "the request was cancelled");
    throw new ApiError(
      "recording_unavailable",
      `ingest '${holder.ingest}', which has the recording, cannot be reached at ${holder.url}; see SIGHTLINE_INGEST_URL`,
      { cause },
    );
  } finally {
    clearTimeout(timer);
  }
  if (response.ok || response.status === 304 || response.status === 416) return response;
  const { message } = await readError(response);
  if (response.status === 404) throw new ApiError("recording_not_found", message);
  throw new ApiError(
    "recording_unavailable",
    `ingest '${holder.ingest}' cannot send the recording: ${message}`,
  );
}

/**
 * Sends a request for the camera's recordings or video to the ingest with this name; undefined when it does not answer.
 * @throws ApiError recording_not_found, recording_unavailable
 */
export async function askIngest(
  holders: RecordingHolders,
  ingest: string,
  camera: string,
  request: HolderRequest,
): Promise<Response | undefined> {
  const known = holders.known(ingest);
  if (known) {
    // Its address and secret have changed if it was restarted.
    const answer = await askHolder(known, request).catch(() => undefined);
    if (answer) return answer;
  }
  // All ingests answer, whether or not they have recordings.
  await holders.find(camera, { fromMs: 0, toMs: 1 });
  const holder = holders.known(ingest);
  return holder && askHolder(holder, request);
}

/** Requests JSON from an ingest. @throws ApiError recording_not_found, recording_unavailable */
export async function askHolderForJson<T>(
  holder: RecordingsAnswer,
  schema: z.ZodType<T>,
  request: HolderRequest,
): Promise<T> {
  const response = await askHolder(holder, request);
  try {
    return schema.parse(await response.json());
  } catch (cause) {
    throw new ApiError(
      "recording_unavailable",
      `the answer of ingest '${holder.ingest}' cannot be read; check that it runs the same version`,
      { cause },
    );
  }
}

async function readError(response: Response): Promise<{ message: string }> {
  const status = { message: `HTTP status ${response.status}` };
  try {
    const body = httpErrorSchema.pick({ message: true }).safeParse(await response.json());
    return body.data ?? status;
  } catch {
    return status;
  }
}
