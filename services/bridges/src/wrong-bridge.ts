/** A bridge whose settings are wrong. */
export interface WrongBridge {
  /** Its name, or its place in the settings when the name is unknown. */
  bridge: string;
  /** What is wrong, without values. */
  faults: readonly string[];
}
