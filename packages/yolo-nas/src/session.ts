/** Only a prepared model's session: a thread that only runs one is ready a third of a second earlier. */

export { ClassifierSession } from "./classifiers/classifier-session.ts";
export { InferenceError, ModelFileError } from "./errors.ts";
export { DetectorSession } from "./runtime/detector-session.ts";
