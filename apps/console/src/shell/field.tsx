import type { ComponentChildren } from "preact";

interface Props {
  id: string;
  label: string;
  hint?: string;
  error?: string | undefined;
  /** The control; it has the field's id, and `describedBy` of it. */
  children: ComponentChildren;
}

/** A labelled control with a hint and, where it belongs, what is wrong with it. */
export function Field({ id, label, hint, error, children }: Props) {
  return (
    <div class={error ? "field invalid" : "field"}>
      <label for={id}>{label}</label>
      {children}
      {hint && (
        <p class="note" id={`${id}-hint`}>
          {hint}
        </p>
      )}
      {error && (
        <p class="field-error" id={`${id}-error`}>
          {error}
        </p>
      )}
    </div>
  );
}

/** Attributes that tie a control to its hint and error. */
export function describedBy(id: string, error: string | undefined, hint = true) {
  return {
    id,
    "aria-invalid": error ? true : undefined,
    "aria-describedby":
      [hint ? `${id}-hint` : "", error ? `${id}-error` : ""].filter(Boolean).join(" ") || undefined,
  };
}
