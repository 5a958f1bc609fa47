import { once } from "node:events";
import { connect } from "node:tls";
import { SightlineError } from "@sightline/client";
import { tlsOf } from "./server-connection.ts";
import type { ServerOptions } from "./server-options.ts";

/** Whether nobody answered: only an answer has a reason. */
export function isSilence(error: unknown): boolean {
  return error instanceof SightlineError && error.code === "UNAVAILABLE" && error.reason === undefined;
}

/** One line that says what went wrong and, if possible, what to do, in the words of the command line. */
export function describeError(error: unknown, server: string | undefined): string {
  if (error instanceof SightlineError) {
    if (isSilence(error))
      return `no Sightline server answers at ${server}; start one with ./sightline up, or name another with --server`;
    if (error.code === "DEADLINE_EXCEEDED") return `the server at ${server} took too long to answer`;
    if (error.code === "UNIMPLEMENTED")
      return `the server at ${server} does not know this command: it is not Sightline, or another version of it`;
    if (error.reason === "cursor_foreign")
      return `--cursor: ${error.message.split(";")[0]}; begin again without it, or with --from TIME`;
    return inCommandWords(error.message);
  }
  // An error from an aborted signal names the signal only in its cause.
  if (error instanceof Error && error.name === "AbortError" && error.cause instanceof Error)
    return error.cause.message;
  return error instanceof Error ? error.message : String(error);
}

const idForm = "1 to 63 characters of a-z, 0-9 and '-', beginning with a letter or digit";

/** The API's terms and the command line's terms for them; the first match for a position is used. */
const words: readonly (readonly [RegExp, string | ((whole: string, field: string) => string)])[] = [
  [/\bcamera_id\b/g, "the camera's name"],
  [/\bcamera\.uri\b/g, "the URL"],
  [/\bcamera\.target_fps\b/g, "--fps"],
  [/\bcamera\.floor_fps\b/g, "--floor"],
  [/\b(?:camera\.recording\.)?max_age_days\b/g, "--record-days"],
  [/\bcamera\.recording\.events_max_age_days\b/g, "--record-events-days"],
  [/\bcamera\.privacy_masks\b/g, "--privacy-mask"],
  [/\bcamera\.labels\b/g, "--label"],
  [/\bcamera\.second_stages\b/g, "--then"],
  [/\bcamera\.([a-z_]+)\b/g, (_, field) => `--${field.replaceAll("_", "-")}`],
  [/\bmin_score\b/g, "--min-score"],
  [/\bmin_duration_seconds\b/g, "--min-seconds"],
  [/ \(recording\.mode\)/g, "; ./sightline camera update NAME --record events turns it on"],
  [/\bstart(?:_|\.)time\b/g, "--from"],
  [/\bend_time\b/g, "--to"],
  [/^cameras (?=has)/, "--camera "],
  [/^zones (?=has)/, "--zone "],
  [/^classes (?=has)/, "--classes "],
  [/\bcameras\/\{camera\}\/events\/\{event\}/g, "CAMERA/ID"],
  [/\b(?:cameras\/\{camera\}|subscriptions\/\{subscription\})(?:\/rules)?/g, idForm],
  [/\bcameras\/([a-z0-9-]+)(?:\/events)?/g, (_, camera) => camera],
  [/\bTRANSPORT_([A-Z]+)/g, (_, name) => name.toLowerCase()],
];

/** A server message in the words of the command line: `camera.target_fps` becomes `--fps`. */
export function inCommandWords(message: string): string {
  return words.reduce(
    // One type for both kinds of replacement, since `replace` has two overloads.
    (text, [pattern, word]) => text.replace(pattern, word as string),
    message,
  );
}

const patienceMs = 2_000;

/**
 * What is wrong with TLS when a server gave no answer: it speaks TLS but was called without, or the reverse, or its certificate is not
 * trusted. Undefined when TLS is not the problem.
 */
export async function transportFault(options: ServerOptions): Promise<string | undefined> {
  const { server } = options;
  const address = server.replace(/^https?:\/\//, "").replace(/\/$/, "");
  const colon = address.lastIndexOf(":");
  const host = address.slice(0, colon).replace(/^\[|\]$/g, "");
  const tls = tlsOf(options);
  const byTls = tls !== undefined || server.startsWith("https://");
  const { ca, cert, key, serverName } = tls ?? {};
  const socket = connect({
    host,
    port: Number(address.slice(colon + 1)),
    ...(serverName ? { servername: serverName } : {}),
    ...(byTls
      ? { ca: ca && Buffer.from(ca), cert: cert && Buffer.from(cert), key: key && Buffer.from(key) }
      : { rejectUnauthorized: false }),
    ALPNProtocols: ["h2"],
  });
  try {
    await once(socket, "secureConnect", { signal: AbortSignal.timeout(patienceMs) });
    return byTls
      ? undefined
      : `the server at ${server} speaks TLS: say --server https://${address}, and --ca FILE when its certificate is not a public one`;
  } catch (error) {
    const { code = "", message } = error as NodeJS.ErrnoException;
    if (!byTls) return undefined;
    if (code === "ERR_SSL_WRONG_VERSION_NUMBER" || code === "ERR_SSL_PACKET_LENGTH_TOO_LONG")
      return `the server at ${server} does not speak TLS: say --server ${address}, without --ca`;
    if (/CERT|SIGNATURE|ISSUER|CA$/.test(code))
      return `the certificate of the server at ${server} is not trusted (${message}): give the certificate that signed it with --ca FILE, and call the server by a name that is in its certificate`;
    return undefined;
  } finally {
    socket.destroy();
  }
}
