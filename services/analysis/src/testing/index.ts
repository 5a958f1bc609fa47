export { AnalysisRig, retention } from "./analysis-rig.ts";
export { TestPictures } from "./picture-source.ts";
export { sceneFrame, sceneRules } from "./scene.ts";
export { analysedAsUninterrupted } from "./uninterrupted-run.ts";
