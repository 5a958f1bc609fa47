import { useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useEffect } from "preact/hooks";

interface Props {
  title: string;
  className?: string;
  /** Shown right of the heading. */
  actions?: ComponentChildren;
  children: ComponentChildren;
}

/** The frame of each page: its heading, and its title in the browser's tab. */
export function Page({ title, className = "", actions, children }: Props) {
  useEffect(() => {
    document.title = `${title} · Sightline`;
  }, [title]);
  return (
    <main id="main" tabIndex={-1} class={`page ${className}`}>
      <div class="page-head">
        <h1 tabindex={-1}>{title}</h1>
        {actions && <div class="page-actions">{actions}</div>}
      </div>
      {children}
    </main>
  );
}

/** Narrower pages fold some parts; the styles use the same width. */
const narrow = "(max-width: 900px)";

/** A part that is folded on a narrow page until the user opens it. */
export function Fold({ title, children }: { title: string; children: ComponentChildren }) {
  const folds = useSignal(matchMedia(narrow).matches);
  const open = useSignal(false);
  useEffect(() => {
    const media = matchMedia(narrow);
    const follow = () => {
      folds.value = media.matches;
    };
    media.addEventListener("change", follow);
    return () => media.removeEventListener("change", follow);
  }, []);
  if (!folds.value) return <>{children}</>;
  return (
    <details class="fold" onToggle={(event) => (open.value = event.currentTarget.open)}>
      <summary>{title}</summary>
      {open.value && children}
    </details>
  );
}
