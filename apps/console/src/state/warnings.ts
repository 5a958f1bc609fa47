import { signal } from "@preact/signals";

/** What the server wants known of a camera that was just saved; undefined when there is nothing. */
export const warnings = signal<{ camera: string; texts: readonly string[] } | undefined>(undefined);

/** Keeps it for the camera's page, which comes next. */
export function keepWarnings(camera: string, texts: readonly string[]): void {
  warnings.value = texts.length > 0 ? { camera, texts } : undefined;
}
