export {
  type CameraAccess,
  CameraNetworks,
  defaultAccess,
} from "./address/camera-networks.ts";
export {
  type CameraTarget,
  type Credentials,
  parseCameraUrl,
  parseRtspUrl,
  sourceKind,
} from "./address/camera-url.ts";
export { type CameraFault, CameraFaultError, describeReason, faultDetail } from "./camera-fault.ts";
export { type ArrivedPicture, CameraStream, type StreamSound } from "./camera-stream.ts";
export { RtspError, type RtspErrorCode, RtspUrlError } from "./errors.ts";
export {
  type FfmpegReport,
  FfmpegReportReader,
  findFfmpeg,
  pictureReport,
  reportArguments,
} from "./ffmpeg-program.ts";
export { frameArguments, ivfFrameHead, ivfHead, type PictureCodec } from "./frames/ivf.ts";
export type { ArrivedSound } from "./frames/sound-receiver.ts";
export { nothingArrives, type ReceiveOptions, type Reception, receive } from "./receive.ts";
export type { CameraSessionOptions, TransportChoice } from "./session/camera-session.ts";
export { type ProbeOptions, probe, type RtspProbe } from "./session/probe.ts";
export type { CameraOffer } from "./session/sdp.ts";
