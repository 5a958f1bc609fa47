import { X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { request as requestPlain } from "node:http";
import { type RequestOptions, request as requestTls } from "node:https";
import { resolve } from "node:path";
import { loadConfig, tlsClientSettings, tlsServerSettings } from "@sightline/service";

/** TLS settings for the services of this machine, and how to reach them by loopback with these settings. */
export interface OwnTls {
  /** Settings of the servers and of their clients on this machine. Paths are absolute because services have another working directory. */
  env: NodeJS.ProcessEnv;
  /** Whether gRPC and HTTP of results use TLS. */
  on: boolean;
  /** A server name that is in its certificate. */
  name: string;
}

/**
 * Reads the TLS settings from the environment and the settings file. A client on this machine trusts a self-signed certificate, and expects
 * a name from the certificate although it calls the loopback address.
 */
export function ownTls(env: NodeJS.ProcessEnv = process.env): OwnTls {
  const config = loadConfig({ ...tlsServerSettings, ...tlsClientSettings }, env);
  const given: NodeJS.ProcessEnv = {};
  for (const [key, { env: variable }] of Object.entries({ ...tlsServerSettings, ...tlsClientSettings })) {
    const value = config[key as keyof typeof config];
    if (value !== undefined) given[variable] = variable.endsWith("_FILE") ? resolve(value) : value;
  }
  const { tlsCertFile } = config;
  const certificate = tlsCertFile === undefined ? undefined : readCertificate(tlsCertFile);
  if (!certificate) return { env: given, on: tlsCertFile !== undefined, name: "127.0.0.1" };
  const name = nameIn(certificate);
  return {
    env: {
      ...(isSelfSigned(certificate) && { [tlsClientSettings.tlsCaFile.env]: resolve(tlsCertFile!) }),
      ...(name !== "127.0.0.1" && { [tlsClientSettings.tlsServerName.env]: name }),
      ...given,
    },
    on: true,
    name,
  };
}

/** The service that needs the file reports what is wrong with it. */
function readCertificate(path: string): X509Certificate | undefined {
  try {
    return new X509Certificate(readFileSync(path));
  } catch {
    return undefined;
  }
}

function isSelfSigned(certificate: X509Certificate): boolean {
  return certificate.verify(certificate.publicKey);
}

/** The loopback address if the certificate contains it, otherwise its first name. */
function nameIn(certificate: X509Certificate): string {
  if (certificate.checkIP("127.0.0.1")) return "127.0.0.1";
  const [, first] = /DNS:([^,\s]+)/.exec(certificate.subjectAltName ?? "") ?? [];
  return first?.replace(/^\*\./, "sightline.") ?? "127.0.0.1";
}

/** Request options besides the address: headers, and what to check the certificate with. */
export type AskOptions = Pick<
  RequestOptions,
  "headers" | "ca" | "cert" | "key" | "servername" | "rejectUnauthorized"
>;

/**
 * Sends a request to a service; `url` may be http or https. By default the request sends nothing that an impostor could use, so the
 * certificate, whatever its name and age, is not checked.
 */
export async function askService(
  url: string,
  timeoutMs: number,
  more: AskOptions = { rejectUnauthorized: false },
): Promise<{ status: number; text: string }> {
  const request = url.startsWith("https:") ? requestTls : requestPlain;
  return new Promise((resolvePromise, reject) => {
    const options = { ...more, agent: false, signal: AbortSignal.timeout(timeoutMs) } as const;
    const sent = request(url, options, (answer) => {
      const parts: string[] = [];
      answer.setEncoding("utf8");
      answer.on("data", (part: string) => parts.push(part));
      answer.on("error", reject);
      answer.on("end", () => resolvePromise({ status: answer.statusCode ?? 0, text: parts.join("") }));
    });
    sent.on("error", reject);
    sent.end();
  });
}
