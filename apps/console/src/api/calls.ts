import type {
  HttpAnalysedFramePage,
  HttpCamera,
  HttpCameraSettings,
  HttpChangedCamera,
  HttpEvent,
  HttpEventCounts,
  HttpEventPage,
  HttpNewCamera,
  HttpProbe,
  HttpProbeRequest,
  HttpRecordingSpans,
  HttpRules,
  HttpSeries,
  HttpSystem,
} from "@sightline/contracts";
import { request, requestJson } from "./request.ts";

/** Filter for events; empty strings mean all. */
export interface EventFilter {
  camera: string;
  type: string;
  class: string;
  zone: string;
  /** An attribute from a second stage, as name=value. */
  attribute?: string;
  /** Words to search for. */
  text?: string;
  minScore?: string;
  minSeconds?: string;
  /** "true", "false", or empty for both. */
  reviewed?: string;
  /** Events that began in this range: RFC 3339; `to` is excluded. */
  from?: string;
  to?: string;
}

export const getCamera = (id: string, signal?: AbortSignal) =>
  requestJson<HttpCamera>(camera(id), { signal });

export const createCamera = (body: HttpNewCamera) =>
  requestJson<HttpChangedCamera>("/cameras", { method: "POST", body });

export const updateCamera = (id: string, body: Partial<HttpCameraSettings>, etag: string) =>
  requestJson<HttpChangedCamera>(camera(id), { method: "PATCH", body, etag });

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

/** Part of a list of events. Times are milliseconds since 1970; `to` is excluded. */
export interface EventRange {
  from?: number | undefined;
  to?: number | undefined;
  pageSize?: number;
  pageToken?: string;
}

/** A time in milliseconds since 1970; `other` when no valid time is given. */
export function timeOr(text: string | undefined, other: number): number {
  const ms = Date.parse(text ?? "");
  return Number.isNaN(ms) ? other : ms;
}

/** One page of events, newest first. */
export function listEvents(
  filter: Partial<EventFilter>,
  {
    from = Number.NEGATIVE_INFINITY,
    to = Number.POSITIVE_INFINITY,
    pageSize = 30,
    pageToken = "",
  }: EventRange,
  signal?: AbortSignal,
): Promise<HttpEventPage> {
  const query = new URLSearchParams({ pageSize: String(pageSize) });
  // The filter's limits still apply when only a part of the list is fetched.
  const first = Math.max(from, timeOr(filter.from, Number.NEGATIVE_INFINITY));
  const last = Math.min(to, timeOr(filter.to, Number.POSITIVE_INFINITY));
  if (first >= last) return Promise.resolve({ events: [], nextPageToken: "" });
  const time = (at: number) => (Number.isFinite(at) ? new Date(at).toISOString() : "");
  for (const [name, value] of Object.entries({ ...filter, from: time(first), to: time(last), pageToken }))
    if (value !== "") query.set(name, value);
  return requestJson<HttpEventPage>(`/events?${query}`, { signal });
}

/** Counts events in a range, in milliseconds since 1970; the filter's words, score, duration and review are ignored. */
export function countEvents(
  { camera, type, class: className, zone, attribute = "" }: EventFilter,
  from: number,
  by: readonly string[],
  signal?: AbortSignal,
  to?: number,
): Promise<HttpEventCounts> {
  const query = new URLSearchParams({ from: new Date(from).toISOString(), by: by.join() });
  if (to !== undefined) query.set("to", new Date(to).toISOString());
  for (const [name, value] of Object.entries({ camera, type, class: className, zone, attribute }))
    if (value !== "") query.set(name, value);
  return requestJson<HttpEventCounts>(`/events/counts?${query}`, { signal });
}

export const getEvent = (event: { camera: string; id: string }, signal?: AbortSignal) =>
  requestJson<HttpEvent>(eventPath(event), { signal });

/** Most events that are marked in one request. */
const mostReviewed = 1_000;

/** Marks events as reviewed, or not reviewed, for all users who see them. */
export async function reviewEvents(
  events: readonly { camera: string; id: string }[],
  reviewed: boolean,
): Promise<void> {
  for (let i = 0; i < events.length; i += mostReviewed) {
    const some = events.slice(i, i + mostReviewed).map(({ camera, id }) => ({ camera, id }));
    await request("/events/review", { method: "POST", body: { events: some, reviewed } });
  }
}

/** The newest picture of a camera, as a JPEG. */
export async function getPicture(id: string, width: number, signal?: AbortSignal): Promise<Blob> {
  return (await request(`${camera(id)}/picture?width=${width}`, { signal })).blob();
}

/** Address of an event's snapshot. */
export function snapshotUrl(event: { camera: string; id: string }, annotated: boolean): string {
  const path = `/api/v1${eventPath(event)}/snapshot`;
  return annotated ? `${path}?annotated=true` : path;
}

/** Address of an event's video. */
export function clipUrl(event: { camera: string; id: string }): string {
  return `/api/v1${eventPath(event)}/clip`;
}

/** A range of a camera's recording, in milliseconds since 1970. */
interface RecordingRange {
  fromMs: number;
  toMs: number;
}

export const listRecordingSpans = (id: string, range: RecordingRange, signal?: AbortSignal) =>
  requestJson<HttpRecordingSpans>(`${camera(id)}/recording/spans?${rangeQuery(range)}`, { signal });

/** One page of a camera's analysed frames starting at a time, in milliseconds since 1970, including frames without detections. */
export function listDetections(
  id: string,
  fromMs: number,
  pageToken: string,
  signal?: AbortSignal,
): Promise<HttpAnalysedFramePage> {
  const query = new URLSearchParams({
    ...{ from: new Date(fromMs).toISOString(), empty: "true", pageSize: "200" },
    ...(pageToken !== "" && { pageToken }),
  });
  return requestJson<HttpAnalysedFramePage>(`${camera(id)}/detections?${query}`, { signal });
}

/** Address of an HLS playlist. */
export function playlistUrl(id: string, range: RecordingRange): string {
  return `/api/v1${camera(id)}/recording/playlist.m3u8?${rangeQuery(range)}`;
}

/** Address of a range as one MP4. */
export function recordingUrl(id: string, range: RecordingRange): string {
  return `/api/v1${camera(id)}/recording?${rangeQuery(range)}`;
}

function rangeQuery({ fromMs, toMs }: RecordingRange): URLSearchParams {
  return new URLSearchParams({ from: new Date(fromMs).toISOString(), to: new Date(toMs).toISOString() });
}

function eventPath({ camera, id }: { camera: string; id: string }): string {
  return `/events/${encodeURIComponent(camera)}/${encodeURIComponent(id)}`;
}

function camera(id: string): string {
  return `/cameras/${encodeURIComponent(id)}`;
}
