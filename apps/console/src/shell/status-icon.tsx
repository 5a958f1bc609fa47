const names = { ok: "Healthy", info: "Information", warning: "Warning", error: "Fault" } as const;
const paths = {
  ok: "M4.5 8.5l2.5 2.5 4.5-5.5",
  info: "M8 7.2v4.2M8 4.5v.6",
  warning: "M8 4.2v4.6M8 11v.6",
  error: "M5.2 5.2l5.6 5.6M10.8 5.2l-5.6 5.6",
} as const;

/** A sign for a level; its shape differs too, not only its colour. */
export function StatusIcon({ level }: { level: keyof typeof names }) {
  return (
    <svg class={`status-icon ${level}`} viewBox="0 0 16 16" role="img" aria-label={names[level]}>
      {level === "warning" ? (
        <path class="ground" d="M8 .8 15.6 14.6H.4z" />
      ) : (
        <circle class="ground" cx="8" cy="8" r="7.5" />
      )}
      <path class="sign" d={paths[level]} />
    </svg>
  );
}
