export { type AacConfig, readAacConfig, silentAacFrame } from "./aac-config.ts";
export { isCutShort } from "./cut-short.ts";
export { chooseDecoding, type StreamToDecode } from "./decoding/choose-decoding.ts";
export {
  type DecodingMachine,
  decodingMachine,
  type FfmpegAbilities,
  ffmpegAbilities,
} from "./decoding/decoding-machine.ts";
export {
  type DecodeChoice,
  type Decoder,
  type Decoding,
  decodeChoices,
  decodingInput,
  deinterlaceFilters,
  downloadFilters,
  type HardwareDecoder,
} from "./decoding/hardware-arguments.ts";
export {
  displayExpressions,
  displayFilters,
  displaySize,
  fileInput,
  isOnItsSide,
  type Orientation,
  type PixelAspect,
  type Size,
  uprightFilters,
} from "./display.ts";
export {
  couldNotRun,
  FfmpegError,
  type FfmpegErrorCode,
  type FfmpegProgram,
  FfmpegRun,
  limitedCommand,
  piecesOf,
  runFfmpeg,
  usualFfmpegMemoryMib,
} from "./ffmpeg/ffmpeg-run.ts";
export {
  type PixelSteps,
  type PlacedPicture,
  type Placement,
  pictureScale,
  placePicture,
} from "./letterbox.ts";
export {
  displayOrientation,
  supplementalMessages,
  withoutDisplayOrientation,
} from "./parameter-sets/display-orientation.ts";
export { type CodedSequence, h264Sequence } from "./parameter-sets/h264-sequence.ts";
export { type H265Sequence, h265Sequence } from "./parameter-sets/h265-sequence.ts";
export { asGbrp, convertPixels, type PixelLayout, pixelBytes } from "./pixel-layout.ts";
export { type MaskPolygon, privacyFilters } from "./privacy-masks.ts";
export { type PictureFacts, probeFile, type VideoFacts, videoFacts } from "./video-facts.ts";
