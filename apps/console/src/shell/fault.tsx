import type { ComponentChildren } from "preact";

/** What went wrong, told at once; nothing while `text` is empty. */
export function Fault({ text, children }: { text: string; children?: ComponentChildren }) {
  if (text === "") return null;
  return (
    <p class="fault" role="alert">
      {text} {children}
    </p>
  );
}
