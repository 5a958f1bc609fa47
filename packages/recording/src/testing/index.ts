export { type NumberedOptions, numberedVideo, probed, sentPictures, shownNumbers } from "./numbered-video.ts";
