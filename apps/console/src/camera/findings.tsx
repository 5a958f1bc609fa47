import type { HttpFinding } from "@sightline/contracts";
import { StatusIcon } from "../shell/status-icon.tsx";

interface Props {
  findings: readonly HttpFinding[];
  /** Said when nothing is the matter. */
  fine: string;
}

/** What is the matter, in words, each with what to do. */
export function Findings({ findings, fine }: Props) {
  const shown = findings.length > 0 ? findings : [{ level: "ok" as const, text: fine, fix: "" }];
  return (
    <ul class="findings" data-testid="findings">
      {shown.map(({ level, text, fix }, index) => (
        <li key={index} class={level}>
          <StatusIcon level={level} />
          <div>
            <p>{text}</p>
            {fix !== "" && <p class="fix">{fix}</p>}
          </div>
        </li>
      ))}
    </ul>
  );
}
