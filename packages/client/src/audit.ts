import type { Timestamp } from "@sightline/contracts";
import { AuditOutcome, type AuditRecord, AuditServiceClient } from "@sightline/contracts/api";
import { type CallSettings, pages } from "./calls.ts";
import type { Connection } from "./connection.ts";
import { toTime } from "./time.ts";

/** Filter for records; a field that is not given filters nothing. */
export interface AuditQuery extends CallSettings {
  user?: string;
  /** Such as `login`, `camera.update` or `clip.download`. */
  action?: string;
  /** At this time or later. */
  from?: Date;
  /** Before this time. */
  to?: Date;
}

export { AuditOutcome, type AuditRecord };

/**
 * Who did what. Every method throws SightlineError.
 *
 * @example
 * ```ts
 * const [newest] = await Array.fromAsync(client.audit.list({ action: "login", from: new Date(Date.now() - 86_400_000) }));
 * assert.equal(newest?.action, "login");
 * ```
 */
export class Audit {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** The stored records, newest first. PERMISSION_DENIED for callers who are not admins. */
  async *list({
    user = "",
    action = "",
    from,
    to,
    signal,
  }: AuditQuery = {}): AsyncGenerator<AuditRecord, void> {
    const time = (given: Date | undefined, name: string): Timestamp | undefined =>
      given && toTime(given, name);
    const request = { user, action, startTime: time(from, "from"), endTime: time(to, "to"), pageSize: 0 };
    const list = (page: typeof request & { pageToken: string }) =>
      this.#connection.call(
        AuditServiceClient,
        (client) => client.listAuditRecords,
        page,
        signal ? { signal } : {},
      );
    for await (const { records } of pages(request, list)) yield* records;
  }
}
