import type { Writable } from "node:stream";

/** How a camera's packets get to an ffmpeg. */
export interface CameraWay {
  /** ffmpeg's arguments, up to and including the input. */
  readonly inputArguments: readonly string[];
  /** Resolves when ffmpeg has disconnected or `close` was called. */
  readonly ended: Promise<void>;
  /** Bytes that ffmpeg has not taken yet. */
  readonly backlog: number;
  /** Starts; `stdin` belongs to an ffmpeg that was started with these arguments. */
  feed(stdin: Writable): void;
  /** Passes on a packet, including its 4-byte header; returns false when ffmpeg is slow and the source should wait for `drained`. */
  push(packet: Buffer, arrivedAt: number): boolean;
  /** Ends the stream after the packets that were pushed. */
  finish(): void;
  close(): void;
}

/** What a CameraWay needs from the camera's side. */
export interface WaySource {
  /** Starts the stream. @throws CameraFaultError */
  play(): Promise<void>;
  /** There is room for packets again. */
  drained(): void;
}
