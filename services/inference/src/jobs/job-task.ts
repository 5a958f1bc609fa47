import type { ImportSettings, ModelJobOutcome } from "@sightline/contracts";
import type { ModelManifest } from "@sightline/yolo-nas";

/** A file of a model to score. */
export interface ScoredModel {
  model: string;
  version: string;
  encoding: string;
  path: string;
}

/** What a job's process is asked for; all paths are of this machine. */
export type JobTask =
  | {
      kind: "import";
      model: string;
      settings: ImportSettings;
      /** The uploaded export. */
      path: string;
      /** An empty folder for what is made. */
      out: string;
      /** The version that is served, whose frames the new one must take too. */
      beside: ModelManifest | undefined;
    }
  | {
      kind: "evaluate";
      models: readonly ScoredModel[];
      clip: string;
      labels: string;
      minHeight: number;
      ffmpeg: string;
    }
  | { kind: "inspect"; model: string; version: string; folder: string };

/** An import's outcome before its files are stored. */
export type Prepared = Omit<Extract<ModelJobOutcome, { kind: "import" }>, "files">;

/** What a job's process tells. */
export type JobMessage =
  | { kind: "ready" }
  | { kind: "progress"; done: number; total: number }
  | { kind: "done"; outcome: Prepared | Exclude<ModelJobOutcome, { kind: "import" }> }
  | { kind: "failed"; message: string };
