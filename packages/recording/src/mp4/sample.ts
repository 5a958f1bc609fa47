/** One picture in a file. */
export interface Sample {
  key: boolean;
  /** When it is shown and when it is decoded, in ticks. */
  pts: number;
  dts: number;
  /** Until the next is decoded. */
  duration: number;
  captureMs: number;
  bytes: number;
}

/** A sample and where its bytes are. */
export interface PlacedSample extends Sample {
  offset: number;
}
