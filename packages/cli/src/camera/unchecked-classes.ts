/** Says on standard error that class names were taken which nobody could check, since a misspelled one finds nothing. */
export function warnUncheckedClasses(classes: readonly string[]): void {
  console.error(
    `sightline: no worker serves the camera's model now, so these class names were not checked: ${classes.join(", ")}`,
  );
}
