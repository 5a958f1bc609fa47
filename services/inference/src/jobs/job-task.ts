import type { ImportSettings, ModelJobOutcome } from "@sightline/contracts";
import type { ModelManifest } from "@sightline/yolo-nas";

/** A model file that is to be scored. */
export interface ScoredModel {
  model: string;
  version: string;
  encoding: string;
  path: string;
}

/** The task of a job's process; all paths are on this machine. */
export type JobTask =
  | {
      kind: "import";
      model: string;
      settings: ImportSettings;
      /** The uploaded export. */
      path: string;
      /** An empty folder for the output. */
      out: string;
      /** The version that is served; the new one must take the same frames. */
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

/** The outcome of an import before its files are stored. */
export type Prepared = Omit<Extract<ModelJobOutcome, { kind: "import" }>, "files">;

/** The messages of a job's process. */
export type JobMessage =
  | { kind: "ready" }
  | { kind: "progress"; done: number; total: number }
  | { kind: "done"; outcome: Prepared | Exclude<ModelJobOutcome, { kind: "import" }> }
  | { kind: "failed"; message: string };
