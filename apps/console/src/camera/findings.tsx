import { signal } from "@preact/signals";
import type { HttpFinding } from "@sightline/contracts";
import { useEffect } from "preact/hooks";
import { StatusIcon } from "../shell/status-icon.tsx";
import { sentence } from "../words/names.ts";

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

/** What the server said when the camera was saved, until its page is left. */
export function SavedWarnings({ camera }: { camera: string }) {
  useEffect(() => () => keepWarnings(camera, []), [camera]);
  if (warnings.value?.camera !== camera) return null;
  return (
    <>
      {warnings.value.texts.map((text) => (
        <p key={text} class="model-notice" role="status" data-testid="saved-warning">
          {sentence(`saved, but ${text}`)}
        </p>
      ))}
    </>
  );
}

/** What the server wants known of a camera that was just saved; undefined when there is nothing. */
const warnings = signal<{ camera: string; texts: readonly string[] } | undefined>(undefined);

/** Keeps it for the camera's page, which comes next. */
export function keepWarnings(camera: string, texts: readonly string[]): void {
  warnings.value = texts.length > 0 ? { camera, texts } : undefined;
}
