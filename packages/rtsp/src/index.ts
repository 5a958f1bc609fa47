export { type CameraFault, describeReason } from "./camera-fault.ts";
export { type ProbeOptions, probe, type RtspProbe } from "./probe.ts";
export { formatCredentials, parseRtspUrl, type RtspTarget, RtspUrlError } from "./rtsp-url.ts";
export { parseSdp, type SdpVideo } from "./sdp.ts";
