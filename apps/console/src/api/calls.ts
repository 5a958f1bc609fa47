import type {
  HttpCamera,
  HttpCameraSettings,
  HttpEventPage,
  HttpNewCamera,
  HttpProbe,
  HttpProbeRequest,
  HttpRules,
  HttpSeries,
  HttpSystem,
} from "@sightline/contracts";
import { request, requestJson } from "./request.ts";

/** What of the events is asked for; empty strings mean all. */
export interface EventFilter {
  camera: string;
  type: string;
  class: string;
  zone: string;
}

export const getCamera = (id: string, signal?: AbortSignal) =>
  requestJson<HttpCamera>(camera(id), { signal });

export const createCamera = (body: HttpNewCamera) =>
  requestJson<HttpCamera>("/cameras", { method: "POST", body });

export const updateCamera = (id: string, body: Partial<HttpCameraSettings>, etag: string) =>
  requestJson<HttpCamera>(camera(id), { method: "PATCH", body, etag });

export const deleteCamera = (id: string) => request(camera(id), { method: "DELETE" });

export const getRules = (id: string, signal?: AbortSignal) =>
  requestJson<HttpRules>(`${camera(id)}/rules`, { signal });

export const putRules = (id: string, body: HttpRules) =>
  requestJson<HttpRules>(`${camera(id)}/rules`, { method: "PUT", body });

export const getSeries = (id: string, seconds: number, signal?: AbortSignal) =>
  requestJson<HttpSeries>(`${camera(id)}/series?seconds=${seconds}`, { signal });

export const probe = (body: HttpProbeRequest, signal?: AbortSignal) =>
  requestJson<HttpProbe>("/probe", { method: "POST", body, signal });

export const getSystem = (signal?: AbortSignal) => requestJson<HttpSystem>("/system", { signal });

/** One page of events, newest first. */
export function listEvents(
  filter: EventFilter,
  pageToken: string,
  signal?: AbortSignal,
): Promise<HttpEventPage> {
  const query = new URLSearchParams({ pageSize: "30" });
  for (const [name, value] of Object.entries({ ...filter, pageToken }))
    if (value !== "") query.set(name, value);
  return requestJson<HttpEventPage>(`/events?${query}`, { signal });
}

/** The newest picture of a camera, as a JPEG. */
export async function getPicture(id: string, width: number, signal?: AbortSignal): Promise<Blob> {
  return (await request(`${camera(id)}/picture?width=${width}`, { signal })).blob();
}

/** Address of an event's snapshot. */
export function snapshotUrl(event: { camera: string; id: string }, annotated: boolean): string {
  const path = `/api/v1/events/${encodeURIComponent(event.camera)}/${encodeURIComponent(event.id)}/snapshot`;
  return annotated ? `${path}?annotated=true` : path;
}

function camera(id: string): string {
  return `/cameras/${encodeURIComponent(id)}`;
}
