/** Why something that several services share failed. */
export type ServiceErrorCode =
  /** A setting of this service, or of a system it depends on, makes its work impossible. */
  | "setting_wrong"
  /** The configuration as a whole cannot be used. */
  | "config_wrong"
  /** NATS did not answer in time, or was away meanwhile. */
  | "no_answer"
  /** A file that should hold a key of NATS does not. */
  | "nats_key_unreadable"
  /** A site's name or address is not valid, the site already exists, or a file was not made for a site. */
  | "site_invalid"
  /** NATS has less storage left than a stream's limit. */
  | "stream_too_large"
  /** NATS cannot change an existing stream to the configuration of this version. */
  | "stream_conflict"
  /** NATS did not give or accept the snapshot of a stream. */
  | "stream_snapshot_failed"
  /** A file is not a complete backup of this version. */
  | "backup_unusable"
  /** NATS has no stream of Sightline. */
  | "backup_empty"
  /** Services run, or the store contains data. */
  | "store_in_use"
  /** The present keys cannot decrypt a camera's password. */
  | "secret_unreadable"
  /** A picture of an event is larger than what may be stored. */
  | "picture_too_large"
  /** No ingest gives a picture; the error's `reason` says why. */
  | "picture_unavailable"
  /** More tasks wait than allowed. */
  | "too_many_tasks";

/** The errors that this package throws. */
export class ServiceError extends Error {
  readonly code: ServiceErrorCode;

  constructor(code: ServiceErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
    this.code = code;
  }
}

/** A setting of this service, or of a system it depends on, that makes its work impossible. The message names it and says what to set. */
export class SettingError extends ServiceError {
  constructor(message: string, options?: ErrorOptions, code: ServiceErrorCode = "setting_wrong") {
    super(code, message, options);
  }
}

/** A configuration that cannot be used; `faults` has one line for each wrong setting. */
export class ConfigError extends SettingError {
  readonly faults: readonly string[];

  constructor(faults: readonly string[], options?: ErrorOptions) {
    super(
      `invalid configuration:\n${faults.map((fault) => `  ${fault}`).join("\n")}`,
      options,
      "config_wrong",
    );
    this.faults = faults;
  }
}

/** More tasks are waiting than allowed. */
export class TaskLimitError extends ServiceError {
  constructor() {
    super("too_many_tasks", "too many tasks at the same time");
  }
}

/** A secret that the present keys cannot decrypt. It is left unchanged. */
export class SecretUnreadableError extends ServiceError {
  constructor(message: string, options?: ErrorOptions) {
    super("secret_unreadable", message, options);
  }
}
