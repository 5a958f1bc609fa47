import { createPrivateKey, X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { createSecureContext, type SecureContextOptions } from "node:tls";
import { Counter, Gauge, type Registry } from "prom-client";
import type { Config } from "../config.ts";
import { SettingError } from "../errors.ts";
import type { Logger } from "../log.ts";
import { tlsServerSettings } from "./tls-settings.ts";

/** Files are compared with what was read before; a file system watch misses files that are replaced through links, as in Kubernetes. */
const lookMs = 1_000;

/** Only ciphers with forward secrecy and authenticated encryption, as in Mozilla's "intermediate" profile. TLS 1.3 has no others. */
const ciphers = [
  ...["TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"],
  ...["ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-RSA-AES128-GCM-SHA256"],
  ...["ECDHE-ECDSA-AES256-GCM-SHA384", "ECDHE-RSA-AES256-GCM-SHA384"],
  ...["ECDHE-ECDSA-CHACHA20-POLY1305", "ECDHE-RSA-CHACHA20-POLY1305"],
].join(":");

/** The values of `tlsServerSettings`. */
export type TlsFiles = Config<typeof tlsServerSettings>;

type FileName = keyof typeof tlsServerSettings;
type Contents = Partial<Record<FileName, Buffer | Error>>;

/**
 * The certificate of a server, from files that are read again when they change. A new certificate is checked first: while it is broken,
 * expired or does not match its key, the previous one stays, and the log and a metric say so.
 */
export class ServerCertificate {
  readonly #files: TlsFiles;
  readonly #log: Logger;
  readonly #listeners = new Set<(options: SecureContextOptions) => void>();
  readonly #failed: Gauge;
  readonly #reloads: Counter<"outcome">;
  #options: SecureContextOptions;
  #certificate: X509Certificate;
  /** What the last check found, and the last content that was accepted or refused. */
  #seen: string;
  #judged: string;
  readonly #timer: NodeJS.Timeout;

  /**
   * The certificate from the settings; undefined when they name none.
   * @throws SettingError a file cannot be read or used, or either the certificate or the key is missing
   */
  static open(files: TlsFiles, registry: Registry, log: Logger): ServerCertificate | undefined {
    const { tlsCertFile, tlsKeyFile, tlsClientCaFile } = files;
    if (Boolean(tlsCertFile) !== Boolean(tlsKeyFile))
      throw new SettingError(
        `${tlsServerSettings.tlsCertFile.env} and ${tlsServerSettings.tlsKeyFile.env} must both be set, but only one is set`,
      );
    let opened: ServerCertificate | undefined;
    const metrics = certificateMetrics(registry, () => opened?.validTo);
    if (tlsCertFile) opened = new ServerCertificate(files, metrics, log);
    else if (tlsClientCaFile)
      throw new SettingError(
        `${tlsServerSettings.tlsClientCaFile.env} needs TLS: set ${tlsServerSettings.tlsCertFile.env} and ${tlsServerSettings.tlsKeyFile.env} too`,
      );
    return opened;
  }

  private constructor(files: TlsFiles, { failed, reloads }: CertificateMetrics, log: Logger) {
    this.#files = files;
    this.#log = log;
    const contents = readAll(files);
    this.#seen = this.#judged = fingerprint(contents);
    const { options, certificate } = judge(files, contents);
    this.#options = options;
    this.#certificate = certificate;
    if (hasExpired(certificate))
      log.error({ file: files.tlsCertFile, expired: certificate.validTo }, "the certificate has expired");
    this.#failed = failed;
    this.#reloads = reloads;
    this.#timer = setInterval(() => this.#look(), lookMs);
    this.#timer.unref();
  }

  /** When it expires. */
  get validTo(): Date {
    return this.#certificate.validToDate;
  }

  /** For a server's secure context. */
  get options(): SecureContextOptions {
    return this.#options;
  }

  /** Whether clients must show a certificate. */
  get asksClients(): boolean {
    return this.#files.tlsClientCaFile !== undefined;
  }

  /** Calls `listener` with each certificate that replaces another. */
  onChange(listener: (options: SecureContextOptions) => void): void {
    this.#listeners.add(listener);
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    this.#listeners.clear();
  }

  #look(): void {
    const contents = readAll(this.#files);
    const found = fingerprint(contents);
    const settled = found === this.#seen;
    this.#seen = found;
    // The files are replaced one after the other, so only content that is the same at the next check is judged.
    if (!settled || found === this.#judged) return;
    this.#judged = found;
    try {
      const { options, certificate } = judge(this.#files, contents);
      if (hasExpired(certificate) && !hasExpired(this.#certificate))
        throw new SettingError(
          `${tlsServerSettings.tlsCertFile.env} = ${this.#files.tlsCertFile}: the certificate expired on ${certificate.validTo}`,
        );
      this.#options = options;
      this.#certificate = certificate;
      for (const listener of this.#listeners) listener(options);
      this.#log.info({ subject: certificate.subject, expires: certificate.validTo }, "new certificate");
      this.#failed.set(0);
      this.#reloads.inc({ outcome: "taken" });
    } catch (error) {
      this.#log.error(
        { err: error },
        "the certificate's files have changed and cannot be used; the old certificate stays in use",
      );
      this.#failed.set(1);
      this.#reloads.inc({ outcome: "refused" });
    }
  }
}

function readAll(files: TlsFiles): Contents {
  const contents: Contents = {};
  for (const name of Object.keys(tlsServerSettings) as FileName[]) {
    const path = files[name];
    if (path === undefined) continue;
    try {
      contents[name] = readFileSync(path);
    } catch (error) {
      contents[name] = error as Error;
    }
  }
  return contents;
}

/** Distinguishes contents. It contains the key, so it stays in memory. */
function fingerprint(contents: Contents): string {
  return Object.values(contents)
    .map((content) => (Buffer.isBuffer(content) ? content.toString("base64") : content.message))
    .join(" ");
}

/** @throws SettingError that names the setting and what is wrong with its file */
function judge(
  files: TlsFiles,
  contents: Contents,
): { options: SecureContextOptions; certificate: X509Certificate } {
  const use = <T>(name: FileName, task: (content: Buffer) => T): T => {
    const content = contents[name]!;
    const fault = (why: string) =>
      new SettingError(`${tlsServerSettings[name].env} = ${files[name]}: ${why}`);
    if (!Buffer.isBuffer(content))
      throw fault(`the file cannot be read (${(content as NodeJS.ErrnoException).code ?? content.message})`);
    try {
      return task(content);
    } catch (error) {
      throw error instanceof SettingError
        ? fault(error.message)
        : fault("it does not contain the expected PEM data");
    }
  };
  const certificate = use("tlsCertFile", (pem) => new X509Certificate(pem));
  const cert = use("tlsCertFile", (pem) => createSecureContext({ cert: pem }) && pem);
  const key = use("tlsKeyFile", (pem) => {
    if (!certificate.checkPrivateKey(createPrivateKey(pem)))
      throw new SettingError(`the key does not belong to the certificate in ${files.tlsCertFile}`);
    return pem;
  });
  const ca =
    files.tlsClientCaFile === undefined
      ? undefined
      : use("tlsClientCaFile", (pem) => {
          void new X509Certificate(pem);
          return pem;
        });
  const options: SecureContextOptions = {
    cert,
    key,
    ca,
    ciphers,
    minVersion: "TLSv1.2",
    honorCipherOrder: true,
  };
  createSecureContext(options);
  return { options, certificate };
}

function hasExpired({ validToDate }: X509Certificate): boolean {
  return validToDate.getTime() < Date.now();
}

interface CertificateMetrics {
  failed: Gauge;
  reloads: Counter<"outcome">;
}

/** Declared even without TLS, so that alerts do not name metrics that a service lacks; the expiry then has no value. */
function certificateMetrics(registry: Registry, validTo: () => Date | undefined): CertificateMetrics {
  const registers = [registry];
  new Gauge({
    name: "sightline_tls_certificate_expiry_timestamp_seconds",
    help: "Time at which the certificate of gRPC and HTTP expires, in seconds since 1970.",
    registers,
    collect() {
      const date = validTo();
      if (date) this.set(date.getTime() / 1000);
      else this.remove();
    },
  });
  const failed = new Gauge({
    name: "sightline_tls_certificate_reload_failed",
    help: "1 while the certificate files cannot be used, so that the previous certificate is still served; otherwise 0.",
    registers,
  });
  const reloads = new Counter({
    name: "sightline_tls_certificate_reloads_total",
    help: "Times that the certificate files had changed, by outcome.",
    labelNames: ["outcome"],
    registers,
  });
  for (const outcome of ["taken", "refused"] as const) reloads.inc({ outcome }, 0);
  return { failed, reloads };
}
