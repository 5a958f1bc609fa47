import { randomBytes } from "node:crypto";
import { CameraReason } from "@sightline/contracts";
import type { Credentials } from "../address/camera-url.ts";
import { CameraFaultError, faultError } from "../camera-fault.ts";
import {
  authorization,
  bestChallenge,
  type Challenge,
  type ClientNonce,
  nameChallenges,
  parseChallenges,
} from "./digest-auth.ts";
import type { RtspConnection, RtspResponse } from "./rtsp-connection.ts";

// biome-ignore lint/suspicious/noControlCharactersInRegex: the pattern looks for them
const control = /[\u0000-\u001f\u007f]/;

/** Sends requests over a connection and authenticates as the server demands. */
export class Authenticator {
  readonly #connection: RtspConnection;
  readonly #credentials: Credentials | undefined;
  #challenge: Challenge | undefined;
  #client: ClientNonce = { nonce: "", count: 0 };

  constructor(connection: RtspConnection, credentials: Credentials | undefined) {
    this.#connection = connection;
    this.#credentials = credentials;
  }

  /** Like `RtspConnection.request`. @throws CameraFaultError with the reason if the server refuses the client */
  async request(
    method: string,
    uri: string,
    headers: Readonly<Record<string, string>>,
    signal: AbortSignal,
  ): Promise<RtspResponse> {
    const answered = this.#challenge;
    const response = await this.#send(method, uri, headers, signal);
    if (response.status !== 401) return response;
    this.#accept(response, answered);
    const second = await this.#send(method, uri, headers, signal);
    if (second.status === 401) throw faultError(CameraReason.UNAUTHORIZED);
    return second;
  }

  #send(
    method: string,
    uri: string,
    headers: Readonly<Record<string, string>>,
    signal: AbortSignal,
  ): Promise<RtspResponse> {
    if (!this.#challenge || !this.#credentials) return this.#connection.request(method, uri, headers, signal);
    this.#client.count += 1;
    const value = authorization(this.#challenge, this.#credentials, { method, uri }, this.#client);
    return this.#connection.request(method, uri, { ...headers, Authorization: value }, signal);
  }

  /** Processes a challenge. @throws CameraFaultError when it cannot be answered, or the answer was wrong */
  #accept({ headers }: RtspResponse, answered: Challenge | undefined): void {
    if (!this.#credentials)
      throw new CameraFaultError({
        reason: CameraReason.UNAUTHORIZED,
        message:
          "the camera asks for a user and password; give them in the URL: rtsp://USER:PASSWORD@HOST/PATH",
      });
    const challenges = (headers.get("www-authenticate") ?? []).flatMap(parseChallenges);
    const challenge = bestChallenge(challenges);
    if (!challenge)
      throw new CameraFaultError({
        reason: CameraReason.UNAUTHORIZED,
        message: `the camera asks for an authentication method that is not supported: ${nameChallenges(challenges)}; set it to Digest (MD5 or SHA-256) or Basic`,
      });
    // The same challenge again means that the answer was wrong, unless the camera only says that its nonce is stale.
    const { nonce, stale } = challenge.parameters;
    const sameNonce = answered?.parameters.nonce === nonce;
    if (answered && sameNonce && stale?.toLowerCase() !== "true") throw faultError(CameraReason.UNAUTHORIZED);
    this.#check(this.#credentials, challenge);
    this.#challenge = challenge;
    this.#client = { nonce: randomBytes(8).toString("hex"), count: 0 };
  }

  /** A user name must not break out of its header or be read as a different name. */
  #check({ username }: Credentials, { scheme }: Challenge): void {
    if (scheme === "basic" ? username.includes(":") : control.test(username))
      throw new CameraFaultError({
        reason: CameraReason.UNAUTHORIZED,
        message: `the user name contains a ${scheme === "basic" ? "colon" : "control character"}, which is not possible with the camera's authentication`,
      });
  }
}
