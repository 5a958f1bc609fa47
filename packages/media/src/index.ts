export { type AacConfig, readAacConfig, silentAacFrame } from "./aac-config.ts";
export { isCutShort } from "./cut-short.ts";
export { chooseDecoding, type StreamToDecode } from "./decoding/choose-decoding.ts";
export {
  type DecodeChoice,
  type Decoder,
  type Decoding,
  decodeChoices,
  type HardwareDecoder,
} from "./decoding/decoding.ts";
export {
  type DecodingMachine,
  decodingMachine,
  type FfmpegAbilities,
  ffmpegAbilities,
} from "./decoding/decoding-machine.ts";
export { decodingInput, deinterlaceFilters, downloadFilters } from "./decoding/hardware-arguments.ts";
export { displayExpressions, displayFilters, fileInput } from "./display-filters.ts";
export { displaySize, type PixelAspect, type Size } from "./display-size.ts";
export {
  FfmpegError,
  FfmpegRun,
  piecesOf,
  runFfmpeg,
} from "./ffmpeg/ffmpeg-run.ts";
export {
  couldNotRun,
  type FfmpegProgram,
  limitedCommand,
  usualFfmpegMemoryMib,
} from "./ffmpeg/limited-command.ts";
export { isOnItsSide, type Orientation, uprightFilters } from "./orientation.ts";
export {
  displayOrientation,
  supplementalMessages,
  withoutDisplayOrientation,
} from "./parameter-sets/display-orientation.ts";
export { type CodedSequence, h264Sequence } from "./parameter-sets/h264-sequence.ts";
export { type H265Sequence, h265Sequence } from "./parameter-sets/h265-sequence.ts";
export { asGbrp, convertPixels, type PixelLayout, pixelBytes } from "./pixel-layout.ts";
export { type MaskPolygon, privacyFilters } from "./privacy-masks.ts";
export { probeFile } from "./probe-file.ts";
export { type PictureFacts, type VideoFacts, videoFacts } from "./video-facts.ts";
