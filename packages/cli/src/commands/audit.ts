import { AuditOutcome, type AuditRecord } from "@sightline/client";
import { enumName, toIso } from "@sightline/contracts";
import { Command } from "commander";
import { timeOption, wholeNumber } from "../option-values.ts";
import { withServer } from "../server-connection.ts";

interface AuditOptions {
  user?: string;
  action?: string;
  from?: Date;
  to?: Date;
  limit: number;
  json: boolean;
}

/** `sightline audit`: who did what, newest first. */
export function auditCommand(): Command {
  const command = new Command("audit")
    .option("--user <name>", "only what this user did")
    .option("--action <action>", "only this, such as login, camera.update or clip.download")
    .option("--from <time>", "only of this time or later", timeOption)
    .option("--to <time>", "only before this time", timeOption)
    .option("--limit <n>", "how many at most", wholeNumber(1, 1_000_000), 100)
    .option("--json", "print one JSON object a line", false);
  return command.action(async ({ limit, json, ...query }: AuditOptions) => {
    await withServer(command, async (client) => {
      let count = 0;
      for await (const record of client.audit.list(query)) {
        console.log(json ? JSON.stringify(auditJson(record)) : auditText(record));
        if (++count === limit) break;
      }
      if (count === 0 && !json) console.log("nothing is recorded that fits");
    });
  });
}

function auditJson({ time, outcome, ...rest }: AuditRecord) {
  return { time: toIso(time), ...rest, outcome: enumName(AuditOutcome, outcome) };
}

/** One line for people. */
function auditText(record: AuditRecord): string {
  const { time, user, action, target, outcome, address, detail } = auditJson(record);
  const about = [target, address && `from ${address}`, detail && `(${detail})`].filter(Boolean).join(" ");
  return `${time}  ${outcome.padEnd(6)}  ${user || "-"}  ${action}  ${about}`.trimEnd();
}
