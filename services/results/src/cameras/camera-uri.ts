import { type CameraSecret, limits, serverOf } from "@sightline/contracts";
import { ApiError } from "../errors.ts";

/** A parsed camera URL. */
export interface CameraUri {
  /** The URL without user and password. */
  uri: string;
  /** User and password; null when the URL says to use none (`rtsp://@host/`), undefined when it does not mention any. */
  secret: CameraSecret | null | undefined;
}

const host = /^(\[[0-9a-f:.]+\]|[a-z0-9]([a-z0-9._-]*[a-z0-9])?\.?)$/i;
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const spaceOrControl = /[\s\u0000-\u001f\u007f]/;

type Fault = (text: string) => ApiError;

/**
 * Parses a camera URL; `field` is its name in messages. No message repeats any part of the URL: what looks like a host or a path may be a
 * password with an unescaped character. @throws ApiError invalid_argument
 */
export function parseCameraUri(text: string, field = "camera.uri"): CameraUri {
  const fault: Fault = (what) => new ApiError("invalid_argument", `${field} ${what}`);
  if (text === "") throw fault("is empty; expected rtsp://HOST[:PORT]/PATH");
  if (text.length > limits.maxUriLength) throw fault(`is longer than ${limits.maxUriLength} characters`);
  if (spaceOrControl.test(text))
    throw fault("holds a space or control character; write it as %20 and the like");
  if (/^file:/i.test(text)) return { uri: parseFileUrl(text, fault), secret: null };
  const scheme = /^(?:rtsps?|https?):\/\//i.exec(text)?.[0];
  if (!scheme) throw fault("does not begin with rtsp://, rtsps://, http://, https:// or file:///");
  const rest = text.slice(scheme.length);
  const end = rest.search(/[/?#]/);
  const authority = end < 0 ? rest : rest.slice(0, end);
  const path = end < 0 ? "" : rest.slice(end);
  if (path.includes("@") || path.includes("#"))
    throw fault(
      "has an '@' or '#' after the host; in a user or password write '/' as %2F, '?' as %3F, '#' as %23, in a path '@' as %40",
    );
  const at = authority.lastIndexOf("@");
  const url = parseUrl(`${scheme}${authority.slice(at + 1)}${path}`, fault);
  return { uri: url, secret: at < 0 ? undefined : parseUserInfo(authority.slice(0, at), fault) };
}

/**
 * The new stored secret when a URL changes. A URL without user keeps the secret if scheme, host and port stay the same; the secret is never
 * sent to another server.
 */
export function secretAfter(address: CameraUri, oldUri: string | undefined): CameraUri["secret"] {
  if (address.secret !== undefined) return address.secret;
  return oldUri !== undefined && serverOf(address.uri) === serverOf(oldUri) ? undefined : null;
}

/** Ingest's own setting decides whether it may play the file (SIGHTLINE_SOURCE_FILES). */
function parseFileUrl(text: string, fault: Fault): string {
  if (!/^file:\/\/\/[^/?#][^?#]*$/i.test(text) || !URL.canParse(text))
    throw fault("is not a file's address; expected file:///FOLDER/FILE, with '?', '#' and spaces escaped");
  return new URL(text).href;
}

function parseUrl(text: string, fault: Fault): string {
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    throw fault("cannot be parsed; expected rtsp://[USER:PASSWORD@]HOST[:PORT]/PATH, or http:// so");
  }
  if (!host.test(url.hostname)) throw fault("has no valid host name or address");
  if (url.port === "0") throw fault("has port 0; expected 1 to 65535");
  return url.href;
}

function parseUserInfo(userInfo: string, fault: Fault): CameraSecret | null {
  if (userInfo === "") return null;
  const colon = userInfo.indexOf(":");
  const username = percentDecode(colon < 0 ? userInfo : userInfo.slice(0, colon), fault);
  const password = percentDecode(colon < 0 ? "" : userInfo.slice(colon + 1), fault);
  if (username === "") throw fault("has a password but no user");
  return { username, password };
}

function percentDecode(part: string, fault: Fault): string {
  let text: string;
  try {
    text = decodeURIComponent(part);
  } catch {
    throw fault("has a '%' in user or password that begins no escape; write it as %25");
  }
  // A line break would let a password add headers to the request.
  if (/\p{Cc}/u.test(text)) throw fault("has a control character in user or password");
  return text;
}
