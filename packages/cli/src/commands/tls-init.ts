import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { isIP } from "node:net";
import { hostname } from "node:os";
import { join, resolve } from "node:path";
import { Command, InvalidArgumentError } from "commander";
import { CliError } from "../errors.ts";
import { wholeNumber } from "../option-values.ts";

interface InitOptions {
  out: string;
  days: number;
  force: boolean;
}

/** `sightline tls init`: creates a self-signed certificate, for use without a certificate authority. */
export function tlsInitCommand(): Command {
  return new Command("init")
    .description("make a self-signed certificate and its private key, for gRPC and HTTP of results")
    .argument(
      "[hosts...]",
      "names and addresses by which the server is called (default: this machine's name); localhost is always one",
      (host: string, before: string[] | undefined) => [...(before ?? []), hostOf(host)],
    )
    .option("--out <directory>", "where tls.crt and tls.key are put", "tls")
    .option("--days <n>", "for how long it is valid", wholeNumber(1, 3_650), 398)
    .option("--force", "replace an existing certificate", false)
    .action(async (given: string[], { out, days, force }: InitOptions) => {
      const hosts = given.length > 0 ? given : [hostname().toLowerCase()];
      const directory = resolve(out);
      const [certificate, key] = [join(directory, "tls.crt"), join(directory, "tls.key")];
      for (const path of [certificate, key])
        if (!force && existsSync(path))
          throw new CliError(
            "output_unusable",
            `${path} is there already; --force replaces it, and running services take the new one`,
          );
      const { makeSelfSigned } = await import("@sightline/service/self-signed");
      const { writePrivateFile } = await import("@sightline/service");
      const pair = await makeSelfSigned(hosts, days);
      mkdirSync(directory, { recursive: true, mode: 0o755 });
      writePrivateFile(key, pair.key);
      writeFileSync(certificate, pair.certificate, { mode: 0o644 });
      const lines = [
        `made a certificate for ${[...hosts, "localhost"].join(", ")}, valid for ${days} days`,
        `  server    SIGHTLINE_TLS_CERT_FILE=${certificate} SIGHTLINE_TLS_KEY_FILE=${key} ./sightline up`,
        `  clients   ./sightline --server https://${hosts[0]}:50051 --ca ${certificate} camera list`,
        "  browsers  warn of it until you import it into them, or replace it by one from an authority",
      ];
      console.log(lines.join("\n"));
    });
}

/** @throws InvalidArgumentError when it is not a name or address that a certificate can hold */
function hostOf(text: string): string {
  const host = text.toLowerCase().replace(/^\[(.*)\]$/, "$1");
  if (isIP(host) === 0 && !/^(\*\.)?[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/.test(host))
    throw new InvalidArgumentError(`"${text}" is neither a host name nor an IP address.`);
  return host;
}
