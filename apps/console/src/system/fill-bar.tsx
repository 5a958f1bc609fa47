interface Props {
  /** 0..1. */
  share: number;
  label: string;
  /** From here on it is marked as near its limit. */
  warnAt: number;
}

/** How full something is. */
export function FillBar({ share, label, warnAt }: Props) {
  const within = Math.min(1, Math.max(0, share));
  return (
    <span class={share >= warnAt ? "fill-bar high" : "fill-bar"} role="img" aria-label={label}>
      <span style={{ width: `${within * 100}%` }} />
    </span>
  );
}
