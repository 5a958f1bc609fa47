/** The HTTP status of each answer that refuses a request. */
const refusals = {
  invalid_argument: 400,
  unauthenticated: 401,
  camera_not_found: 404,
  recording_not_found: 404,
  range_not_satisfiable: 416,
  /** The picture at that time cannot be decoded. */
  failed: 422,
  /** This ingest records nothing now, or does too much at the same time. */
  unavailable: 503,
} as const;

export type RefusalCode = keyof typeof refusals;

/** Why a request is refused, or why something of this service failed. */
export type IngestErrorCode =
  | RefusalCode
  /** FFmpeg cannot decode a picture, or its JPEG is too large; the message has FFmpeg's words. */
  | "picture_undecodable"
  /** More pictures are asked for than may be decoded at the same time. */
  | "too_many_pictures"
  /** The process that decodes pictures cannot run here. */
  | "decoder_unavailable"
  /** The process that decodes pictures ended while it decoded this picture. */
  | "decoder_ended"
  /** The same, and it is known that another picture was the cause. */
  | "decoder_ended_by_another"
  /** Another running ingest records to the folder. */
  | "folder_in_use";

/** The errors of this service. */
export class IngestError extends Error {
  readonly code: IngestErrorCode;

  constructor(code: IngestErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
    this.code = code;
  }
}

/** A request that cannot be answered in this form; the client gets code and message. */
export class RefusedError extends IngestError {
  readonly status: number;

  constructor(code: RefusalCode, message: string, options?: ErrorOptions) {
    super(code, message, options);
    this.status = refusals[code];
  }
}
