/** Why a command failed. */
export type CliErrorCode =
  /** Options or arguments contradict each other, or one is missing. */
  | "usage"
  /** Something that was named does not exist: a file, a model, a zone, an event. */
  | "not_found"
  /** A file is not what is needed, or cannot be read. */
  | "input_unusable"
  /** A file cannot be written, or is there already. */
  | "output_unusable"
  /** A port or a folder is in use. */
  | "in_use"
  /** A server or a camera does not answer, or does not give what was asked. */
  | "no_answer"
  /** A service runs, but does not do its work. */
  | "not_ready"
  /** Another program, such as ffmpeg or Python, cannot be run, or failed. */
  | "program_failed"
  /** This machine, or what runs here, cannot do this. */
  | "unsupported"
  /** The user has not agreed. */
  | "not_confirmed"
  /** What was to happen did not. */
  | "failed"
  /** A signal ended the command. */
  | "stopped";

/** The error of the commands. Its message is printed as it is: it says what happened and what to do. */
export class CliError extends Error {
  override readonly name = "CliError";
  readonly code: CliErrorCode;

  constructor(code: CliErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
