export type { CameraLogin } from "./camera-login.ts";
export {
  type PlayedPicture,
  type ScriptedAnswer,
  ScriptedCamera,
  type ScriptedCameraOptions,
  type ScriptedRequest,
  type ScriptedTrack,
} from "./scripted-camera.ts";
export { readSound, type SoundClip } from "./sound-clip.ts";
export type { ScriptedSound } from "./sound-player.ts";
export {
  type ClipOptions,
  clipNalUnits,
  isKey,
  readClip,
  type VideoClip,
  type VideoUnit,
} from "./video-clip.ts";
