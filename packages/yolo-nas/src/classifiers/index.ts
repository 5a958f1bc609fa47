export {
  attributesSchema,
  type ClassifierAttribute,
  type ClassifierManifest,
  describeClassifier,
  parseClassifier,
  readClassifier,
} from "./classifier-form.ts";
export { ClassifierSession } from "./classifier-session.ts";
export { CLASSIFIER, type ImportedClassifier, importClassifier } from "./import-classifier.ts";
