import { signal } from "@preact/signals";
import type { HttpFinding } from "@sightline/contracts";
import { useEffect } from "preact/hooks";
import { StatusIcon } from "../shell/status-icon.tsx";
import { sentence } from "../words/names.ts";

interface Props {
  findings: readonly HttpFinding[];
  /** Shown when there are no findings. */
  fine: string;
}

/** Problems in words, each with what to do. */
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

/** The server's warnings from saving the camera, shown until its page is left. */
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

/** The server's warnings about a camera that was just saved; undefined when there are none. */
const warnings = signal<{ camera: string; texts: readonly string[] } | undefined>(undefined);

/** Keeps the warnings for the camera's page, which is shown next. */
export function keepWarnings(camera: string, texts: readonly string[]): void {
  warnings.value = texts.length > 0 ? { camera, texts } : undefined;
}
