import { once } from "node:events";
import { type IncomingMessage, request } from "node:http";
import { CameraReason } from "@sightline/contracts";
import type { CameraAccess } from "../address/camera-networks.ts";
import { type CameraTarget, type Credentials, parseCameraUrl, sourceKind } from "../address/camera-url.ts";
import { connectCamera } from "../address/connect-camera.ts";
import { CameraFaultError, faultError } from "../camera-fault.ts";
import { authorization, bestChallenge, nameChallenges, parseChallenges } from "../connection/digest-auth.ts";
import { RtspUrlError } from "../errors.ts";

const mostRedirects = 3;
const redirectStatus: readonly number[] = [301, 302, 303, 307, 308];

/** An answer with status 200 whose body has not been read yet; the receiver must destroy it. */
export interface HttpAnswer {
  body: IncomingMessage;
  /** Its address, after redirects. */
  target: CameraTarget;
}

/**
 * Requests `target` from an HTTP camera, over a connection to an address that `access` allows, following redirects as far as it allows.
 * User and password are sent when the camera asks for them. `signal` ends the request, not the body.
 * @throws CameraFaultError, also when `signal` aborts
 */
export async function requestHttp(
  target: CameraTarget,
  access: CameraAccess,
  signal: AbortSignal,
): Promise<HttpAnswer> {
  let at = target;
  for (let hop = 0; hop <= mostRedirects; hop++) {
    const body = await authenticated(at, access, signal);
    const status = body.statusCode ?? 0;
    if (status === 200) return { body, target: at };
    const { location } = body.headers;
    body.destroy();
    if (!redirectStatus.includes(status)) throw statusFault(status);
    at = resolveHttp(at, location ?? "", access.redirects);
  }
  throw faultError(CameraReason.PROTOCOL_ERROR, `it redirects more than ${mostRedirects} times`);
}

/**
 * Resolves `reference`, an address from the camera, relative to `from`: the same host and port; with `any` also elsewhere, but without
 * user and password. From TLS to plain text counts as elsewhere.
 * @throws CameraFaultError
 */
export function resolveHttp(
  from: CameraTarget,
  reference: string,
  redirects: CameraAccess["redirects"],
): CameraTarget {
  let target: CameraTarget;
  try {
    target = parseCameraUrl(new URL(reference, from.uri).href);
  } catch (error) {
    if (!(error instanceof RtspUrlError || error instanceof TypeError)) throw error;
    throw faultError(CameraReason.PROTOCOL_ERROR, "it names an address that cannot be read");
  }
  if (sourceKind(target) !== "http")
    throw faultError(CameraReason.PROTOCOL_ERROR, "it names an address that is not http:// or https://");
  const { host, port, tls } = target;
  if (host === from.host && port === from.port && tls === from.tls)
    return { ...target, credentials: from.credentials };
  if (redirects !== "any")
    throw faultError(CameraReason.REDIRECTED, `to ${host.replace(/[^\w.:-]/g, "").slice(0, 80)}:${port}`);
  return { ...target, credentials: undefined };
}

async function authenticated(
  target: CameraTarget,
  access: CameraAccess,
  signal: AbortSignal,
): Promise<IncomingMessage> {
  const { credentials } = target;
  const first = await ask(target, access, undefined, signal);
  if (first.statusCode !== 401) return first;
  first.destroy();
  const second = await ask(target, access, answerTo(first, target, credentials), signal);
  if (second.statusCode !== 401) return second;
  second.destroy();
  throw faultError(CameraReason.UNAUTHORIZED);
}

/** The Authorization header that a 401 asks for. @throws CameraFaultError */
function answerTo(
  refusal: IncomingMessage,
  { uri }: CameraTarget,
  credentials: Credentials | undefined,
): string {
  const unauthorized = (message: string) =>
    new CameraFaultError({ reason: CameraReason.UNAUTHORIZED, message });
  if (!credentials)
    throw unauthorized(
      "the camera asks for a user and password; give them in the URL: http://USER:PASSWORD@HOST/PATH",
    );
  const challenges = parseChallenges(refusal.headers["www-authenticate"] ?? "");
  const challenge = bestChallenge(challenges);
  if (!challenge)
    throw unauthorized(
      `the camera asks for an authentication method that is not supported: ${nameChallenges(challenges)}; set it to Digest (MD5 or SHA-256) or Basic`,
    );
  const { username } = credentials;
  if (challenge.scheme === "basic" ? username.includes(":") : /\p{Cc}/u.test(username))
    throw unauthorized(
      "the user name contains a character that is not possible with the camera's authentication",
    );
  const { pathname, search } = new URL(uri);
  return authorization(challenge, credentials, { method: "GET", uri: pathname + search });
}

async function ask(
  { uri, host, port, tls }: CameraTarget,
  access: CameraAccess,
  authorizationHeader: string | undefined,
  signal: AbortSignal,
): Promise<IncomingMessage> {
  const socket = await connectCamera(
    { uri, host, port, tls, credentials: undefined },
    access.networks,
    signal,
  );
  const { pathname, search, host: hostHeader } = new URL(uri);
  const asked = request({
    createConnection: () => socket,
    path: pathname + search,
    headers: {
      Host: hostHeader,
      Accept: "*/*",
      "User-Agent": "sightline",
      Connection: "close",
      ...(authorizationHeader !== undefined && { Authorization: authorizationHeader }),
    },
  });
  asked.on("error", () => undefined).end();
  try {
    const [answer] = (await once(asked, "response", { signal })) as [IncomingMessage];
    answer.on("error", () => undefined);
    return answer;
  } catch (error) {
    asked.destroy();
    if (signal.aborted) throw faultError(CameraReason.UNREACHABLE, "it did not answer in time");
    const { code = "" } = error as { code?: string };
    throw faultError(
      CameraReason.PROTOCOL_ERROR,
      code.startsWith("HPE_") ? "it does not use HTTP" : "the connection ended before the answer came",
    );
  }
}

function statusFault(status: number): CameraFaultError {
  if (status === 403) return faultError(CameraReason.UNAUTHORIZED, "it forbids this stream to this user");
  if (status === 404 || status === 410) return faultError(CameraReason.NOT_FOUND);
  const message = `the camera refuses with HTTP status ${status}; check the URL, and the camera's own log`;
  return new CameraFaultError({ reason: CameraReason.PROTOCOL_ERROR, message });
}
