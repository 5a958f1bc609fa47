/** Says on standard error what the server wants known of a camera that it has taken. */
export function printWarnings(warnings: readonly string[]): void {
  for (const warning of warnings) console.error(`sightline: ${warning}`);
}

/** Says on standard error that class names were taken which nobody could check, since a misspelled one finds nothing. */
export function warnUncheckedClasses(classes: readonly string[]): void {
  console.error(
    `sightline: no worker serves the camera's model now, so these class names were not checked: ${classes.join(", ")}`,
  );
}

/** The model that ships, and that cameras have unless they ask for another. */
export const bundledModel = "yolo-nas-pedestrians";

/** What people have to know who point it at a camera of their own; models/yolo-nas-pedestrians/README.md has the figures. */
export const bundledModelScope =
  "it is for the demo: it knows one class, person, and one scene, and is not meant for other cameras; docs/model.md says how to get a model of your own";
