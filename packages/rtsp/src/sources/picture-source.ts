import type { CameraFaultError } from "../camera-fault.ts";
import type { CodedFrame } from "../frames/frame-assembler.ts";
import type { PictureCodec } from "../frames/ivf.ts";
import type { CameraOffer } from "../session/sdp.ts";

/** A source of video other than RTSP, ready to play; it gives complete pictures. */
export interface PictureSource {
  readonly codec: PictureCodec;
  /** Unit of the pictures' times. */
  readonly ticksPerSecond: number;
  readonly offer: CameraOffer;
  /** Resolves when it has ended: undefined when its end was reached or `stop` ended it. */
  readonly ended: Promise<CameraFaultError | undefined>;
  onPicture: ((picture: CodedFrame) => void) | undefined;
  play(): void;
  /** Makes the source wait. */
  pause(): void;
  resume(): void;
  stop(): Promise<void>;
}
