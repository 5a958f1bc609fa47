import { useComputed } from "@preact/signals";
import { StatusIcon } from "../shell/status-icon.tsx";
import { cameras } from "../state/cameras.ts";
import { connection } from "../state/live.ts";
import { system, useSystem } from "../state/system.ts";
import { type HealthSummary, summarise } from "./health-summary.ts";

const levelWords = {
  ok: "The system is healthy",
  info: "The system waits",
  warning: "The system needs attention",
  error: "The system has a fault",
} as const;

const asking: HealthSummary = {
  level: "info",
  text: "Asking the server how the cameras are …",
  fix: "",
  more: false,
};
const unreachable: HealthSummary = {
  level: "error",
  text: "The server does not answer: what is shown is the last that was known.",
  fix: "The console reconnects by itself. If this lasts, see whether the results service runs.",
  more: false,
};

/** One sentence that says whether the system is healthy and, if not, why and what to do. */
export function Headline() {
  useSystem();
  const summary = useComputed<HealthSummary>(() => {
    if (connection.value === "lost") return unreachable;
    const list = cameras.value;
    if (!list) return asking;
    return summarise(
      list.map((state) => state.camera.value),
      system.value,
    );
  });
  const { level, text, fix, more } = summary.value;
  return (
    <section
      class={`headline ${level}`}
      aria-label="Health of the system"
      data-testid="headline"
      data-level={level}
    >
      <StatusIcon level={level} />
      {/* Announced when the level changes; the figures in the sentence change every second. */}
      <p class="hidden" role="status">
        {levelWords[level]}
      </p>
      <div>
        <p class="headline-text" data-testid="headline-text">
          {text}
        </p>
        {fix !== "" && <p class="headline-fix">{fix}</p>}
      </div>
      {more && (
        <a class="headline-more" href="/system">
          All findings
        </a>
      )}
    </section>
  );
}
