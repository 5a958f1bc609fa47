export { CameraNetworks, CameraNetworksError } from "./address/camera-networks.ts";
export { type CameraTarget, parseCameraUrl, sourceKind } from "./address/camera-url.ts";
export { type Credentials, parseRtspUrl, RtspUrlError } from "./address/rtsp-url.ts";
export {
  type CameraFault,
  CameraFaultError,
  describeReason,
  faultDetail,
} from "./camera-fault.ts";
export { type ArrivedPicture, CameraStream, type StreamSound } from "./camera-stream.ts";
export { findFfmpeg } from "./ffmpeg-path.ts";
export { type FfmpegReport, FfmpegReportReader, pictureReport, reportArguments } from "./ffmpeg-report.ts";
export { frameArguments } from "./frames/frame-arguments.ts";
export { ivfFrameHead, ivfHead, type PictureCodec } from "./frames/ivf.ts";
export type { ArrivedSound } from "./frames/sound-receiver.ts";
export { nothingArrives, type ReceiveOptions, type Reception, receive } from "./receive.ts";
export { type CameraAccess, defaultAccess } from "./session/camera-access.ts";
export type { SessionOptions, TransportChoice } from "./session/camera-session.ts";
export { type ProbeOptions, probe, type RtspProbe } from "./session/probe.ts";
export type { CameraOffer } from "./session/sdp.ts";
