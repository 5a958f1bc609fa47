/** A bridge that cannot run as it is set up. */
export interface WrongBridge {
  /** Its name, or where it stands in the settings when that is not known. */
  bridge: string;
  /** What is wrong, without values. */
  faults: readonly string[];
}
