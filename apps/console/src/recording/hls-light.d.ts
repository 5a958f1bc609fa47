/** The package has types for the whole library only; the light one lacks subtitles, DRM and several audio tracks. */
declare module "hls.js/light" {
  export { default } from "hls.js";
}
