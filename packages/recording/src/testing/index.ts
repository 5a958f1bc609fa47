export { type NumberedOptions, numberedVideo, probed, shownNumbers } from "./numbered-video.ts";
