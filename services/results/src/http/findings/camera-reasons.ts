import { CameraReason } from "@sightline/contracts";

/** What a reason means for people, and what to do about it. */
export interface Advice {
  text: string;
  fix: string;
}

/** Why a camera gives no frames, or gives them but they are not analysed. */
export const reasonAdvice: Readonly<Record<Exclude<CameraReason, 0>, Advice>> = {
  [CameraReason.DNS_FAILURE]: {
    text: "The camera's host name has no address.",
    fix: "Check the host in the URL for a typing error, or give the camera's IP address instead.",
  },
  [CameraReason.CONNECTION_REFUSED]: {
    text: "The host answers, but nothing listens on the camera's port.",
    fix: "Check the port in the URL (RTSP's is usually 554), and that streaming is switched on in the camera's settings.",
  },
  [CameraReason.UNREACHABLE]: {
    text: "The camera does not answer in time.",
    fix: "Check that the camera has power and network, and that no firewall is between it and the ingest service.",
  },
  [CameraReason.UNAUTHORIZED]: {
    text: "The camera refuses the user or password, or needs one and none is given.",
    fix: "Edit the camera and give the URL with the right user and password: rtsp://USER:PASSWORD@HOST/PATH.",
  },
  [CameraReason.NOT_FOUND]: {
    text: "The camera has no stream at this path.",
    fix: "Look up the stream's path in the camera's manual and edit the URL.",
  },
  [CameraReason.NO_VIDEO]: {
    text: "The stream has no video.",
    fix: "Choose a stream with video in the camera's settings, or the path of another one.",
  },
  [CameraReason.UNSUPPORTED_CODEC]: {
    text: "The camera's video codec cannot be decoded here.",
    fix: "Set the camera to H.264 or H.265, or use its second stream.",
  },
  [CameraReason.NO_KEY_FRAME]: {
    text: "Video arrives, but no key frame to begin with.",
    fix: "Shorten the key frame (I-frame) interval in the camera's settings to a few seconds.",
  },
  [CameraReason.STALLED]: {
    text: "Frames have stopped arriving although the connection is open.",
    fix: "Check the network to the camera; if this happens again, restart the camera or switch the transport to TCP.",
  },
  [CameraReason.DECODE_FAILURE]: {
    text: "What arrives cannot be decoded.",
    fix: "Switch the transport to TCP if it is UDP, lower the camera's bit rate, or restart the camera.",
  },
  [CameraReason.STREAM_ENDED]: {
    text: "The camera has ended the stream.",
    fix: "It is connected again by itself. If it keeps ending, the camera may allow too few viewers at a time.",
  },
  [CameraReason.PROTOCOL_ERROR]: {
    text: "The server at this address does not speak the protocol of the URL, or answers with an error or without video.",
    fix: "Check scheme, host and port in the URL: a web page's port (80, 443, 8080) is not that of rtsp://, and a web page is not the stream of http://.",
  },
  [CameraReason.MODEL_NOT_SERVED]: {
    text: "No inference worker serves the camera's model, so nothing is analysed.",
    fix: "Start a worker with SIGHTLINE_MODEL set to this model or SIGHTLINE_MODELS=all, or give the camera a model that is served.",
  },
  [CameraReason.ADDRESS_NOT_ALLOWED]: {
    text: "The camera's address is not allowed.",
    fix: "If it is right, add its network to the setting SIGHTLINE_CAMERA_NETWORKS of the ingest service.",
  },
  [CameraReason.REDIRECTED]: {
    text: "The camera redirects to another address.",
    fix: "Give that address as the camera's URL, or set SIGHTLINE_CAMERA_REDIRECTS=any at the ingest service.",
  },
  [CameraReason.TRANSPORT_REFUSED]: {
    text: "The camera does not send video over the chosen transport.",
    fix: "Set the camera's transport to auto.",
  },
  [CameraReason.DECODING_TOO_SLOW]: {
    text: "The camera's pictures come faster than this machine decodes them.",
    fix: "Lower the size or rate of the pictures in the camera's settings, or give the URL of its second stream.",
  },
  [CameraReason.INTERNAL]: {
    text: "The ingest service itself failed at this camera.",
    fix: "Look in the ingest service's log for this camera.",
  },
};
