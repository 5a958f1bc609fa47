export { type CameraFault, describeReason, faultDetail } from "./camera-fault.ts";
export { type FfmpegInput, inputArguments, inputScript } from "./ffmpeg-input.ts";
export { findFfmpeg } from "./ffmpeg-path.ts";
export { type FfmpegReport, FfmpegReportReader, pictureReport } from "./ffmpeg-report.ts";
export { type ProbeOptions, probe, type RtspProbe } from "./probe.ts";
export { type ReceiveOptions, type Reception, receive } from "./receive.ts";
export { type Credentials, parseRtspUrl, type RtspTarget, RtspUrlError } from "./rtsp-url.ts";
export { parseSdp, type SdpVideo } from "./sdp.ts";
