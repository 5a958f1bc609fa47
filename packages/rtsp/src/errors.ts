/** Why a camera's address, or what a camera says, cannot be used. */
export type RtspErrorCode =
  /** A camera gives no video; the error's `reason` says why. */
  | "camera_fault"
  /** A camera, or a client of the relay, sends what is not RTSP, or exceeds its limits. */
  | "not_rtsp"
  /** A camera fails when it is asked for its sound. */
  | "sound_harms"
  /** A camera's URL. */
  | "url_invalid"
  /** An entry of a list of networks. */
  | "networks_invalid";

/** The errors that this package throws. Their messages hold no secret. */
export class RtspError extends Error {
  readonly code: RtspErrorCode;

  constructor(code: RtspErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
    this.code = code;
  }
}

/** Input that is not RTSP or exceeds its limits. The message is for people and quotes nothing of the input. */
export class RtspProtocolError extends RtspError {
  constructor(message: string) {
    super("not_rtsp", message);
  }
}

/** A camera address that cannot be used. The message repeats nothing of the address, since it may hold a password. */
export class RtspUrlError extends RtspError {
  constructor(message: string, options?: ErrorOptions) {
    super("url_invalid", message, options);
  }
}
