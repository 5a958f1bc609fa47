/** What a long quantisation is doing: `done` of `total` steps of a stage. */
export interface QuantizationProgress {
  readonly stage:
    | "calibrating"
    | "measuring inputs"
    | "rounding weights"
    | "correcting biases"
    | "measuring layers"
    | "measuring AP"
    | "timing layers";
  readonly done: number;
  readonly total: number;
}

export type ReportProgress = (progress: QuantizationProgress) => void;
