import {
  cameraName,
  EventType,
  enumValue,
  httpEventCountsSchema,
  httpEventPageSchema,
  httpEventSchema,
  httpReviewedSchema,
  httpReviewRequestSchema,
  parseEventName,
  toTimestamp,
} from "@sightline/contracts";
import { CountBy, EventFilter, toHttpEvent, toHttpEventCount } from "@sightline/contracts/api";
import { z } from "zod";
import { ApiError } from "../../errors.ts";
import { EventCounts } from "../../history/event-counts.ts";
import { requesterOf } from "../access/http-guard.ts";
import { untilClosed } from "../video-answer.ts";
import { errorAnswers, flag, jpegAnswer, names, numberParam, time, wholeNumberParam } from "./api-error.ts";
import type { ApiApp, Parts } from "./parts.ts";

const tags = ["events"];

export const eventParams = z.object({
  camera: z.string().max(63).describe("Id of the camera."),
  event: z.string().max(128).describe("Id of the event."),
});

const filterQuery = {
  camera: names.describe("Ids of cameras; without, all."),
  type: names.describe("Types such as entered_zone; without, all."),
  class: names.describe("Classes; without, all."),
  zone: names.describe("Zones; without, all."),
  attribute: names.describe(
    "What second stages say of the object, such as colour=red, or colour=red,blue for one of the two; without, all.",
  ),
};

const countsQuery = z.object({
  ...filterQuery,
  from: time.describe("Events that started at this time or later."),
  to: time.optional().describe("Events that started before this time."),
  by: names.describe(
    "What they are counted by, each or with commas: hour, camera, class, type, rule, zone, line, direction.",
  ),
});

const eventQuery = z.object({
  ...filterQuery,
  from: time.optional().describe("Events that started at this time or later."),
  to: time.optional().describe("Events that started before this time."),
  minScore: numberParam(0, 1).describe("Those whose object had this score at best, or a higher one."),
  minSeconds: numberParam(0, 1e9).describe("Those that lasted so long or longer."),
  text: z
    .string()
    .max(200)
    .default("")
    .describe("Those in whose message, camera, id, class, rule, zone or line each of these words is found."),
  reviewed: z
    .enum(["true", "false"])
    .optional()
    .describe("true: only those that somebody has reviewed; false: only those that nobody has."),
  pageSize: wholeNumberParam(1, 1000).default(100),
  pageToken: z.string().max(4096).default(""),
});

/** Stored events and their pictures. */
export function eventRoutes(app: ApiApp, parts: Parts): void {
  app.get(
    "/events",
    {
      schema: {
        tags,
        operationId: "listEvents",
        summary: "Lists events as they stand now, newest first, a page at a time.",
        querystring: eventQuery,
        response: { 200: httpEventPageSchema, ...errorAnswers },
      },
    },
    async (request) => {
      const { query } = request;
      const asked = {
        filter: filterOf(query),
        startTime: query.from === undefined ? undefined : toTimestamp(Date.parse(query.from)),
        endTime: query.to === undefined ? undefined : toTimestamp(Date.parse(query.to)),
        minScore: query.minScore,
        minDurationSeconds: query.minSeconds,
        text: query.text,
        reviewed: query.reviewed === undefined ? undefined : query.reviewed === "true",
        pageSize: query.pageSize,
        pageToken: query.pageToken,
      };
      const { events, nextPageToken } = await parts().history.events.list(asked, requesterOf(request).scope);
      return { events: events.map(toHttpEvent), nextPageToken };
    },
  );
  app.get(
    "/events/counts",
    {
      schema: {
        tags,
        operationId: "countEvents",
        summary: "Counts events that are kept, and how long they lasted, by hour, camera, class and so on.",
        querystring: countsQuery,
        response: { 200: httpEventCountsSchema, ...errorAnswers },
      },
    },
    async (request, reply) => {
      const { query } = request;
      const by = query.by.flatMap((some) => some.split(",")).map(readCountBy);
      const asked = {
        ...{ by, filter: filterOf(query), startTime: toTimestamp(Date.parse(query.from)) },
        endTime: query.to === undefined ? undefined : toTimestamp(Date.parse(query.to)),
      };
      const counts = new EventCounts(parts().history.events);
      const { counts: found } = await counts.count(asked, requesterOf(request).scope, untilClosed(reply));
      return { counts: found.map((count) => toHttpEventCount(count, by)) };
    },
  );
  app.post(
    "/events/review",
    {
      schema: {
        tags,
        operationId: "reviewEvents",
        summary: "Marks events as reviewed, or not reviewed, for all who see them.",
        body: httpReviewRequestSchema,
        response: { 200: httpReviewedSchema, ...errorAnswers },
      },
    },
    async (request) => {
      const { events, reviewed } = request.body;
      const { scope, name } = requesterOf(request);
      const names = events.map(({ camera, id }) => eventName({ camera, event: id }));
      const marked = await parts().history.reviews.mark(names, reviewed, scope, name);
      return { events: marked.names.map((each) => parseEventName(each)!) };
    },
  );
  app.get(
    "/events/:camera/:event",
    {
      schema: {
        tags,
        operationId: "getEvent",
        summary: "Returns an event as it stands now.",
        params: eventParams,
        response: { 200: httpEventSchema, ...errorAnswers },
      },
    },
    async ({ params }) => toHttpEvent(await parts().history.events.get(eventName(params))),
  );
  app.get(
    "/events/:camera/:event/snapshot",
    {
      schema: {
        tags,
        operationId: "getSnapshot",
        summary: "Returns the picture with the best view of an event.",
        params: eventParams,
        querystring: z.object({
          annotated: flag.describe("Draw the object's box and label into it."),
          cutOut: flag.describe("Only the object and what is around it, at most 256 pixels wide and high."),
          revision: z
            .string()
            .max(20)
            .optional()
            .describe(
              "Changes nothing: with the event's, each picture has an address of its own for browsers.",
            ),
        }),
        response: { 200: jpegAnswer, ...errorAnswers },
      },
    },
    async ({ params, query }, reply) => {
      const abort = new AbortController();
      reply.raw.once("close", () => abort.abort());
      const { jpeg } = await parts().snapshots.eventSnapshots.get(eventName(params), query, abort.signal);
      // A better picture may replace it while the event is open.
      reply.header("cache-control", "no-cache");
      return reply.type("image/jpeg").send(Buffer.from(jpeg));
    },
  );
}

type FilterQuery = Record<keyof typeof filterQuery, string[]>;

function filterOf(query: FilterQuery): EventFilter {
  return EventFilter.fromPartial({
    cameras: query.camera.map(cameraName),
    types: query.type.map(readType),
    classes: query.class,
    zones: query.zone,
    attributes: readAttributes(query.attribute),
  });
}

/** Parses `name=value,value`; the values of a repeated name are combined. */
function readAttributes(texts: readonly string[]): { name: string; values: string[] }[] {
  const read = new Map<string, string[]>();
  for (const text of texts) {
    const [, name, values] = /^([^=]+)=(.+)$/.exec(text) ?? [];
    if (name === undefined || values === undefined)
      throw new ApiError(
        "invalid_argument",
        `attribute '${text.slice(0, 64)}' is not of the form name=value or name=value,value, such as colour=red`,
      );
    read.set(name, [...(read.get(name) ?? []), ...values.split(",")]);
  }
  return [...read].map(([name, values]) => ({ name, values }));
}

function readCountBy(name: string): CountBy {
  const by = enumValue(CountBy, name);
  if (by === undefined)
    throw new ApiError(
      "invalid_argument",
      `events are not counted by '${name.slice(0, 64)}'; expected hour, camera, class, type, rule, zone, line or direction`,
    );
  return by;
}

export function eventName({ camera, event }: z.infer<typeof eventParams>): string {
  return `${cameraName(camera)}/events/${event}`;
}

function readType(name: string): EventType {
  const type = enumValue(EventType, name);
  if (type === undefined)
    throw new ApiError("invalid_argument", `there is no event type '${name.slice(0, 64)}'`);
  return type;
}
