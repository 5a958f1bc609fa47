import { RtspUrlError } from "../errors.ts";

/** User and password, unescaped. */
export interface Credentials {
  username: string;
  password: string;
}

/** Where a stream is. */
export interface RtspTarget {
  /** The URL without user and password. */
  uri: string;
  host: string;
  port: number;
  tls: boolean;
  credentials: Credentials | undefined;
}

const defaultPorts: Readonly<Record<string, number>> = {
  "rtsp:": 554,
  "rtsps:": 322,
  "http:": 80,
  "https:": 443,
};
// biome-ignore lint/suspicious/noControlCharactersInRegex: the pattern looks for them
const unsafe = /[\s\u0000-\u001f\u007f]/;

/**
 * Parses an RTSP URL: only rtsp or rtsps; user and password are split off.
 * @throws RtspUrlError
 */
export function parseRtspUrl(text: string): RtspTarget {
  return parseServerUrl(text, /^rtsps?:\/\//i, "rtsp:// or rtsps://");
}

/**
 * Parses a URL with one of these schemes; `schemes` is their name in messages.
 * @throws RtspUrlError
 */
function parseServerUrl(text: string, pattern: RegExp, schemes: string): RtspTarget {
  if (unsafe.test(text))
    throw new RtspUrlError("the URL contains a space or control character; write a space as %20");
  const scheme = pattern.exec(text)?.[0];
  if (!scheme) throw new RtspUrlError(`the URL does not begin with ${schemes}`);
  const rest = text.slice(scheme.length);
  const end = rest.search(/[/?#]/);
  const authority = end < 0 ? rest : rest.slice(0, end);
  const path = end < 0 ? "" : rest.slice(end);
  // If a password has an unescaped '/', '?' or '#', its rest would become part of the address that is shown.
  if (/[@#]/.test(path))
    throw new RtspUrlError(
      "the URL has '@' or '#' after the host; escape '/', '?', '#' and '@' in user and password",
    );
  const at = authority.lastIndexOf("@");
  let url: URL;
  try {
    url = new URL(`${scheme}${authority.slice(at + 1)}${path}`);
  } catch {
    // No cause: it repeats the address.
    throw new RtspUrlError(
      `the URL cannot be parsed; expected ${scheme.toLowerCase()}[USER:PASSWORD@]HOST[:PORT]/PATH`,
    );
  }
  if (url.hostname === "" || url.port === "0") throw new RtspUrlError("the URL has no valid host or port");
  return {
    uri: url.href,
    host: url.hostname.replace(/^\[|\]$/g, ""),
    port: url.port === "" ? defaultPorts[url.protocol]! : Number(url.port),
    tls: url.protocol === "rtsps:" || url.protocol === "https:",
    credentials: at > 0 ? parseUserInfo(authority.slice(0, at)) : undefined,
  };
}

function parseUserInfo(userInfo: string): Credentials {
  const colon = userInfo.indexOf(":");
  try {
    return {
      username: decodeURIComponent(colon < 0 ? userInfo : userInfo.slice(0, colon)),
      password: decodeURIComponent(colon < 0 ? "" : userInfo.slice(colon + 1)),
    };
  } catch (cause) {
    throw new RtspUrlError(
      "user or password contains a '%' without two hexadecimal digits after it; write '%' as %25",
      { cause },
    );
  }
}

/** Where a camera's stream is; `host` is empty for a file. */
export type CameraTarget = RtspTarget;

/** The kinds of source, chosen by a URL's scheme. */
export type SourceKind = "rtsp" | "http" | "file";

const schemes = /^(?:rtsps?|https?):\/\//i;

/**
 * Parses a camera's URL: rtsp, rtsps, http, https, or file with an absolute path. User and password are split off.
 * @throws RtspUrlError
 */
export function parseCameraUrl(text: string): CameraTarget {
  if (!/^file:/i.test(text))
    return parseServerUrl(text, schemes, "rtsp://, rtsps://, http://, https:// or file:///");
  if (!/^file:\/\/\/[^/\s?#][^\s?#]*$/i.test(text) || !URL.canParse(text))
    throw new RtspUrlError(
      "expected a file URL such as file:///FOLDER/FILE, with '?', '#' and spaces escaped",
    );
  return { uri: new URL(text).href, host: "", port: 0, tls: false, credentials: undefined };
}

export function sourceKind({ uri }: Pick<CameraTarget, "uri">): SourceKind {
  return uri.startsWith("file:") ? "file" : uri.startsWith("http") ? "http" : "rtsp";
}
