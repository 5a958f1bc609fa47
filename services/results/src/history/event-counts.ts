import { setImmediate as breathe } from "node:timers/promises";
import { type Event, EventPhase, fromTimestamp, toTimestamp } from "@sightline/contracts";
import {
  CountBy,
  type CountEventsRequest,
  type CountEventsResponse,
  EventCount,
  ListEventsRequest,
} from "@sightline/contracts/api";
import type { CameraScope } from "../access/camera-scope.ts";
import { ApiError } from "../errors.ts";
import type { EventHistory } from "./event-history.ts";

/** Most events read for one answer: some seconds of work. */
const mostEvents = 20_000;
const pageSize = 1_000;
const hourMs = 3_600_000;

/** The fields that an event is counted by, for each kind of count. */
const parts: Readonly<Record<Exclude<CountBy, 0>, (event: Event) => Partial<EventCount>>> = {
  [CountBy.HOUR]: ({ startTime }) => ({ hour: startTime && toTimestamp(hourOf(fromTimestamp(startTime))) }),
  [CountBy.CAMERA]: ({ name }) => ({ camera: name.slice(0, name.indexOf("/events/")) }),
  [CountBy.CLASS]: ({ track }) => ({ className: track?.className ?? "" }),
  [CountBy.TYPE]: ({ type }) => ({ type }),
  [CountBy.RULE]: ({ rule }) => ({ rule }),
  [CountBy.ZONE]: ({ zone }) => ({ zone }),
  [CountBy.LINE]: ({ line }) => ({ line }),
  [CountBy.DIRECTION]: ({ direction }) => ({ direction }),
};

/** Counts stored events. */
export class EventCounts {
  readonly #history: Pick<EventHistory, "list">;

  constructor(history: Pick<EventHistory, "list">) {
    this.#history = history;
  }

  /**
   * Counts the events of the scope's cameras, until `signal` aborts.
   * @throws ApiError invalid_argument, also when there are too many events; history_unavailable
   */
  async count(
    { filter, startTime, endTime, by }: CountEventsRequest,
    scope: CameraScope,
    signal: AbortSignal,
  ): Promise<CountEventsResponse> {
    if (!startTime)
      throw new ApiError("invalid_argument", "start_time is missing; say from when on events count");
    const partsOf = [...new Set(by)].map((each) => {
      const part = each === CountBy.UNSPECIFIED ? undefined : parts[each];
      if (!part) throw new ApiError("invalid_argument", `by has ${each}, which does not exist`);
      return part;
    });
    const now = Date.now();
    const counts = new Map<string, EventCount>();
    let looked = 0;
    let request = ListEventsRequest.fromPartial({ filter, startTime, endTime, pageSize });
    do {
      signal.throwIfAborted();
      const { events, nextPageToken } = await this.#history.list(request, scope);
      looked += events.length;
      if (looked > mostEvents)
        throw new ApiError(
          "invalid_argument",
          `there are more than ${mostEvents} events from start_time to end_time; ask for a shorter time, or fewer cameras or types`,
        );
      for (const event of events) add(counts, partsOf, event, now);
      request = { ...request, pageToken: nextPageToken };
      await breathe();
    } while (request.pageToken !== "");
    return { counts: [...counts].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, count]) => count) };
  }
}

function add(
  counts: Map<string, EventCount>,
  partsOf: readonly ((event: Event) => Partial<EventCount>)[],
  event: Event,
  now: number,
): void {
  const fields = Object.assign({}, ...partsOf.map((part) => part(event))) as Partial<EventCount>;
  const { hour, camera, className, type, rule, zone, line, direction } = fields;
  const time = hour ? new Date(fromTimestamp(hour)).toISOString() : "";
  const key = JSON.stringify([time, camera, className, type, rule, zone, line, direction]);
  const count = counts.get(key) ?? EventCount.fromPartial(fields);
  count.events++;
  count.seconds += durationMs(event, now) / 1_000;
  counts.set(key, count);
}

function hourOf(ms: number): number {
  return Math.floor(ms / hourMs) * hourMs;
}

/** How long an event has lasted at `now`, in milliseconds. */
function durationMs({ phase, startTime, endTime }: Event, now: number): number {
  if (!startTime || phase === EventPhase.ONCE) return 0;
  return Math.max(0, (endTime ? fromTimestamp(endTime) : now) - fromTimestamp(startTime));
}
