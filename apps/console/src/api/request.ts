import type { HttpError } from "@sightline/contracts";
import { sentence } from "../words/names.ts";

/** How long to wait before trying the server again. */
export const retryRange = { firstMs: 500, mostMs: 10_000 };

/** The server refused a request, or could not be reached (`code` "unreachable"). */
export class RequestError extends Error {
  override name = "RequestError";
  readonly code: string;
  readonly status: number;

  constructor(code: string, message: string, status: number, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    this.status = status;
  }
}

export interface RequestOptions {
  method?: "GET" | "HEAD" | "POST" | "PATCH" | "PUT" | "DELETE";
  /** Sent as JSON; a Blob is sent as its bytes. */
  body?: unknown;
  /** The request succeeds only if the resource has not changed. */
  etag?: string | undefined;
  signal?: AbortSignal | undefined;
}

let whenUnauthenticated: () => void = () => undefined;

/** Calls `listener` whenever the server requires a login. */
export function onUnauthenticated(listener: () => void): void {
  whenUnauthenticated = listener;
}

/** Sends a request to the API and returns its answer if it is a success. @throws RequestError, or the signal's reason */
export async function request(path: string, options: RequestOptions = {}): Promise<Response> {
  const { method = "GET", body, etag, signal } = options;
  const headers = new Headers();
  const isBytes = body instanceof Blob;
  if (body !== undefined)
    headers.set("content-type", isBytes ? "application/octet-stream" : "application/json");
  if (etag !== undefined) headers.set("if-match", `"${etag}"`);
  const init: RequestInit = { method, headers, cache: "no-store" };
  if (body !== undefined) init.body = isBytes ? body : JSON.stringify(body);
  if (signal) init.signal = signal;
  let answer: Response;
  try {
    answer = await fetch(`/api/v1${path}`, init);
  } catch (cause) {
    signal?.throwIfAborted();
    throw new RequestError("unreachable", "The server does not answer. Is it running?", 0, { cause });
  }
  if (!answer.ok) {
    const fault = await failure(answer);
    if (fault.code === "unauthenticated") whenUnauthenticated();
    throw fault;
  }
  return answer;
}

/** Like `request`, for an answer in JSON. */
export async function requestJson<T>(path: string, options?: RequestOptions): Promise<T> {
  return (await (await request(path, options)).json()) as T;
}

async function failure(answer: Response): Promise<RequestError> {
  try {
    const { code, message } = (await answer.json()) as HttpError;
    if (typeof code === "string" && typeof message === "string")
      return new RequestError(code, message, answer.status);
  } catch {
    // The answer comes from something between, not from the API: only the status can be used.
  }
  return new RequestError("http", `The server answered with status ${answer.status}.`, answer.status);
}

/** A message for people about a failed call, as a sentence. */
export function describeFailure(error: unknown): string {
  return sentence(error instanceof Error ? error.message : String(error));
}
