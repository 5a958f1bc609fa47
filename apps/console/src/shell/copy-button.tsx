import { useSignal } from "@preact/signals";
import { useRef } from "preact/hooks";

interface Props {
  text: string;
  /** Text of the button. */
  label: string;
  primary?: boolean;
}

/** Copies a text to the clipboard, and confirms it. */
export function CopyButton({ text, label, primary = false }: Props) {
  const place = useRef<HTMLSpanElement>(null);
  const told = useSignal("");
  const copy = async () => {
    const done = await copyText(text, place.current);
    told.value = done ? "Copied" : "The browser does not allow it";
    setTimeout(() => (told.value = ""), 4_000);
  };
  return (
    <span class="copy" ref={place}>
      <button type="button" class={primary ? "primary" : ""} onClick={copy}>
        {label}
      </button>
      <span class="note" role="status">
        {told.value}
      </span>
    </span>
  );
}

/** Browsers offer `clipboard` only on pages loaded by TLS or from this machine; elsewhere the old method is used. */
async function copyText(text: string, place: HTMLElement | null): Promise<boolean> {
  try {
    if (navigator.clipboard) {
      await navigator.clipboard.writeText(text);
      return true;
    }
  } catch {
    // Not allowed; the old method may be.
  }
  const field = document.createElement("textarea");
  field.className = "hidden";
  field.value = text;
  // Next to the button: nothing outside an open dialog can be selected.
  place?.append(field);
  field.select();
  const done = document.execCommand("copy");
  field.remove();
  return done;
}
