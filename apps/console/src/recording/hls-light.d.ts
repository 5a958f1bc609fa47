/** The package has types only for the whole library; the light version has no subtitles, DRM or multiple audio tracks. */
declare module "hls.js/light" {
  export { default } from "hls.js";
}
