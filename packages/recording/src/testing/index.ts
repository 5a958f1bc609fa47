export {
  delays,
  type FlashOptions,
  flashAndBeep,
  flashesAndBeeps,
  probedSound,
  writeFlashAndBeep,
} from "./flash-and-beep.ts";
export { type NumberedOptions, numberedVideo, probed, sentPictures, shownNumbers } from "./numbered-video.ts";
