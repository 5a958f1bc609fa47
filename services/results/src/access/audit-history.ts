import { type AuditRecordJson, auditRecordSchema, decodeJson, streams } from "@sightline/contracts";
import type { Lifecycle, Logger, Nats } from "@sightline/service";
import { ApiError } from "../errors.ts";
import { StoredMessages } from "../feeds/stored-messages.ts";
import { foreignPageToken, pageTokenAfter, readPage } from "../history/page-token.ts";
import { AuditTrail } from "./audit.ts";

/** Filters of a request; undefined or empty ones match everything. Times are in milliseconds; `to` is exclusive. */
export interface AuditTrailQuery {
  pageSize: number;
  pageToken: string;
  user?: string | undefined;
  action?: string | undefined;
  from?: number | undefined;
  to?: number | undefined;
}

/** Messages read at a time, and the most for one page. */
const [chunk, mostRead] = [256, 8_192];

/** The stored audit trail. */
export class AuditHistory {
  readonly #stored: StoredMessages;

  constructor(nats: Nats) {
    this.#stored = new StoredMessages(nats, streams.audit);
  }

  /** A page of the records, newest first; even a page that is not the last may be short. @throws ApiError invalid_argument, history_unavailable */
  async list(query: AuditTrailQuery): Promise<{ records: AuditRecordJson[]; nextPageToken: string }> {
    const { user, action, from = Number.NEGATIVE_INFINITY, to = Number.POSITIVE_INFINITY } = query;
    const page = readPage(query.pageSize, query.pageToken, [user ?? "", action ?? "", query.from, query.to]);
    const before = page.after === "" ? undefined : Number(page.after);
    if (before !== undefined && !Number.isSafeInteger(before)) throw foreignPageToken();
    const records: AuditRecordJson[] = [];
    try {
      const { first, last } = await this.#stored.state();
      let end = Math.min(last, before === undefined ? last : before - 1);
      const stop = end - mostRead;
      while (end >= first && end > stop) {
        const start = Math.max(first - 1, end - chunk);
        for (const { sequence, record } of await this.#read(start, end)) {
          const time = Date.parse(record.time);
          if (time < from) return { records, nextPageToken: "" };
          if (time >= to || (user && record.user !== user) || (action && record.action !== action)) continue;
          records.push(record);
          if (records.length === page.size)
            return {
              records,
              nextPageToken: sequence <= first ? "" : pageTokenAfter(page, String(sequence)),
            };
        }
        end = start;
      }
      return { records, nextPageToken: end < first ? "" : pageTokenAfter(page, String(end + 1)) };
    } catch (cause) {
      if (cause instanceof ApiError) throw cause;
      throw new ApiError("history_unavailable", "the audit trail does not answer (NATS); try again", {
        cause,
      });
    }
  }

  /** Records after `start`, up to and including `end`, newest first. */
  async #read(start: number, end: number): Promise<{ sequence: number; record: AuditRecordJson }[]> {
    const range = this.#stored.after(start);
    try {
      const messages = await this.#stored.inTurn(() => range.read(end - start));
      return messages
        .filter(({ seq }) => seq <= end)
        .map(({ seq, data }) => ({ sequence: seq, record: decodeJson(auditRecordSchema, data) }))
        .reverse();
    } finally {
      range.close();
    }
  }
}

/** The audit trail and its stored records. */
export interface AuditParts {
  audit: AuditTrail;
  history: AuditHistory;
}

/** Starts recording calls; what waits to be stored is stored before `life` ends. */
export function startAudit(nats: Nats, log: Logger, life: Lifecycle): AuditParts {
  return { audit: life.add(new AuditTrail(nats, log)), history: new AuditHistory(nats) };
}
