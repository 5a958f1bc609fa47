import type { ComponentChildren } from "preact";
import { useEffect } from "preact/hooks";

interface Props {
  title: string;
  className?: string;
  /** Shown right of the heading. */
  actions?: ComponentChildren;
  children: ComponentChildren;
}

/** The frame of each page: its heading, and its name in the browser's tab. */
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
