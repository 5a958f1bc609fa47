import {
  AuditOutcome,
  AuditRecord,
  type AuditRecordJson,
  type AuditServiceServer,
  fromTimestamp,
  toTimestamp,
} from "@sightline/contracts";
import type { AuditHistory } from "../access/audit-history.ts";
import type { GrpcCalls } from "./grpc-calls.ts";

const outcomes = {
  ok: AuditOutcome.OK,
  denied: AuditOutcome.DENIED,
  failed: AuditOutcome.FAILED,
} as const;

/** AuditService. */
export function auditHandlers(calls: GrpcCalls, history: AuditHistory): AuditServiceServer {
  return {
    listAuditRecords: calls.unary("ListAuditRecords", async ({ startTime, endTime, ...query }) => {
      const { records, nextPageToken } = await history.list({
        ...query,
        from: startTime && fromTimestamp(startTime),
        to: endTime && fromTimestamp(endTime),
      });
      return { records: records.map(toMessage), nextPageToken };
    }),
  };
}

function toMessage({ time, outcome, ...rest }: AuditRecordJson): AuditRecord {
  return AuditRecord.fromPartial({
    ...rest,
    time: toTimestamp(Date.parse(time)),
    outcome: outcomes[outcome],
  });
}
