import { parseServerUrl, type RtspTarget, RtspUrlError } from "./rtsp-url.ts";

/** Where a camera's stream is; of a file, `host` is empty. */
export type CameraTarget = RtspTarget;

/** What kinds of source there are, by a URL's scheme. */
export type SourceKind = "rtsp" | "http" | "file";

const schemes = /^(?:rtsps?|https?):\/\//i;

/**
 * Takes a camera's URL apart: rtsp, rtsps, http, https, or file with an absolute path. User and password are split off.
 * @throws RtspUrlError
 */
export function parseCameraUrl(text: string): CameraTarget {
  if (!/^file:/i.test(text))
    return parseServerUrl(text, schemes, "rtsp://, rtsps://, http://, https:// or file:///");
  if (!/^file:\/\/\/[^/\s?#][^\s?#]*$/i.test(text) || !URL.canParse(text))
    throw new RtspUrlError("the URL of a file is file:///FOLDER/FILE, with '?', '#' and spaces escaped");
  return { uri: new URL(text).href, host: "", port: 0, tls: false, credentials: undefined };
}

export function sourceKind({ uri }: Pick<CameraTarget, "uri">): SourceKind {
  return uri.startsWith("file:") ? "file" : uri.startsWith("http") ? "http" : "rtsp";
}
