import {
  type CameraRules,
  cameraIdOf,
  type Detection,
  type FrameDetections,
  fromTimestamp,
  subjects,
} from "@sightline/contracts";
import type { ListDetectionsRequest, ListDetectionsResponse } from "@sightline/contracts/api";
import { anchorOf, Polygon } from "@sightline/rules";
import type { CameraScope } from "../access/camera-scope.ts";
import { applyFilter, type DetectionFeedFilter, readFilter } from "../feeds/detection-format.ts";
import { readNames } from "../feeds/filter-fields.ts";
import type { StoredMessages, StreamState } from "../feeds/stored-messages.ts";
import { decodeFrame } from "../feeds/timeline-message.ts";
import {
  clockSlackMs,
  lookUp,
  maxPageBytes,
  maxScanMs,
  maxStoreDelayMs,
  readScanPosition,
  readTimeRange,
  requireNoLoss,
  type ScanPosition,
  scanToken,
  type TimeRange,
} from "./history-page.ts";
import { type Page, readPage } from "./page-token.ts";

/** Whether a detection is in a zone: as in rules, by the middle of its box's lower edge. */
export type ZoneTest = (detection: Detection) => boolean;

/** The present rules of a camera. */
export type RulesOf = (camera: string) => CameraRules | undefined;

/** Finds zones in the present rules of cameras. */
export class ZoneLookup {
  readonly #rulesOf: RulesOf;

  constructor(rulesOf: RulesOf) {
    this.#rulesOf = rulesOf;
  }

  /** The test for a camera's zone; undefined when the camera has no zone with that name. */
  find(camera: string, zone: string): ZoneTest | undefined {
    const found = this.#rulesOf(camera)?.zones.find(({ name }) => name === zone);
    if (!found) return undefined;
    const polygon = new Polygon(found.polygon);
    return ({ normalizedBox: box }) => box !== undefined && polygon.contains(anchorOf(box));
  }
}

const readAtATime = 256;

/** A search in the history. */
interface Query {
  filter: DetectionFeedFilter;
  range: TimeRange;
  /** Name of a zone; empty means anywhere. */
  zone: string;
}

/** Stored frames with detections, from TIMELINE. */
export class DetectionHistory {
  readonly #stored: StoredMessages;
  readonly #zones: ZoneLookup;

  constructor(stored: StoredMessages, zones: ZoneLookup) {
    this.#stored = stored;
    this.#zones = zones;
  }

  /**
   * One page of the frames of cameras in the scope, in stored order. It ends early, with a token, at the time or size limit of one call.
   * @throws ApiError invalid_argument, history_unavailable
   */
  async list(request: ListDetectionsRequest, scope: CameraScope): Promise<ListDetectionsResponse> {
    const { pageSize, pageToken, ...rest } = request;
    const page = readPage(pageSize, pageToken, rest);
    const query = {
      filter: readFilter(request, scope),
      range: readTimeRange(request.startTime, request.endTime),
      zone: request.zone,
    };
    if (query.zone !== "") readNames("zone", [query.zone]);
    return lookUp(async () => {
      const state = await this.#stored.state();
      const next = readScanPosition(page, state);
      await requireNoLoss(this.#stored, next?.bound);
      const from = next ?? (await this.#beginning(query.range, state));
      return this.#scan(query, page, state, from);
    });
  }

  async #beginning({ start }: TimeRange, state: StreamState): Promise<ScanPosition> {
    const bound = state.end;
    if (start === -Infinity) return { position: state.first - 1, bound };
    const { sequence } = await this.#stored.before(Math.max(0, start - clockSlackMs));
    return { position: sequence, bound };
  }

  async #scan(
    query: Query,
    page: Page,
    state: StreamState,
    from: ScanPosition,
  ): Promise<ListDetectionsResponse> {
    const { onlyCamera } = query.filter;
    const subject = onlyCamera === undefined ? undefined : subjects.timeline(onlyCamera);
    const deadline = performance.now() + maxScanMs;
    const frames: FrameDetections[] = [];
    const zones = new Map<string, ZoneTest | undefined>();
    const { bound } = from;
    let { position } = from;
    let bytes = 0;
    const range = this.#stored.after(position, subject);
    const more = () => scanToken(page, state, { position, bound });
    try {
      while (position < bound.sequence) {
        if (performance.now() > deadline) return { frames, nextPageToken: more() };
        const messages = await this.#stored.inTurn(() => range.read(readAtATime));
        if (messages.length === 0) break;
        for (const { seq, subject, data, timestampNanos } of messages) {
          if (seq > bound.sequence || Number(timestampNanos) / 1e6 > query.range.end + maxStoreDelayMs)
            return { frames, nextPageToken: "" };
          const frame = this.#select(query, zones, subject, data);
          if (frame && bytes > 0 && bytes + data.byteLength > maxPageBytes)
            return { frames, nextPageToken: more() };
          position = seq;
          if (!frame) continue;
          frames.push(frame);
          bytes += data.byteLength;
          if (frames.length === page.size)
            return { frames, nextPageToken: position < bound.sequence ? more() : "" };
        }
      }
      return { frames, nextPageToken: "" };
    } finally {
      range.close();
    }
  }

  /** The part of a message that belongs in the answer. */
  #select(
    query: Query,
    zones: Map<string, ZoneTest | undefined>,
    subject: string,
    data: Uint8Array,
  ): FrameDetections | undefined {
    let frame: FrameDetections | undefined;
    try {
      frame = decodeFrame(subject, data);
    } catch {
      // The feed has already logged and counted it.
      return undefined;
    }
    const time = frame?.frame?.captureTime && fromTimestamp(frame.frame.captureTime);
    if (!frame || time === undefined || time < query.range.start || time >= query.range.end) return undefined;
    if (query.zone !== "") {
      const camera = cameraIdOf(frame.frame?.camera ?? "") ?? "";
      if (!zones.has(camera)) zones.set(camera, this.#zones.find(camera, query.zone));
      const inZone = zones.get(camera);
      if (!inZone) return undefined;
      frame = { ...frame, detections: frame.detections.filter(inZone) };
    }
    const selection = applyFilter(query.filter, frame);
    if (selection === undefined || selection === "all") return selection && frame;
    return { ...frame, detections: selection.map((index): Detection => frame.detections[index]!) };
  }
}
