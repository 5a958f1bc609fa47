import { projectRoot } from "@sightline/stack";
import { Command } from "commander";
import { checkExecutionProviders } from "../doctor/execution-providers.ts";
import type { Finding } from "../doctor/finding.ts";
import { checkPorts } from "../doctor/ports.ts";
import {
  checkCameraPackages,
  checkFfmpeg,
  checkGpu,
  checkNatsServer,
  checkNode,
} from "../doctor/programs.ts";
import { checkSites } from "../doctor/running-system.ts";
import { checkStorage } from "../doctor/storage.ts";

const marks = { ok: "✓", missing: "✗", warning: "!", absent: "–" } as const;

/** `sightline doctor`: exit code 1 when something is missing that Sightline needs. */
export function doctorCommand(): Command {
  return new Command("doctor")
    .option("--json", "print a JSON object", false)
    .action(async (options: { json: boolean }) => {
      const findings = (
        await Promise.all([
          checkNode(),
          checkFfmpeg(),
          checkNatsServer(),
          checkExecutionProviders(),
          checkGpu(),
          checkCameraPackages(),
          checkPorts(),
          checkStorage(),
          checkSites(),
        ])
      )
        .flat()
        .map(fromHere);
      const healthy = findings.every(({ state }) => state !== "missing");
      console.log(
        options.json ? JSON.stringify({ healthy, findings }) : findings.map(findingText).join("\n"),
      );
      if (!healthy) process.exitCode = 1;
    });
}

function findingText({ name, state, detail, fix }: Finding): string {
  const line = `${marks[state]} ${name.padEnd(32)} ${detail}`;
  return fix ? `${line}\n  ${"".padEnd(32)} fix: ${fix}` : line;
}

/** Fixes run in the repository's root; from another directory the command first changes there. */
function fromHere(finding: Finding): Finding {
  const { fix } = finding;
  if (fix === undefined || process.cwd() === projectRoot) return finding;
  return { ...finding, fix: `cd '${projectRoot}' && ${fix}` };
}
