import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { NatsIdentity } from "@sightline/contracts";
import { authorizationFile, type NatsAccess, natsKeyFile, writeNatsKeys } from "@sightline/service";
import { makeSelfSigned } from "@sightline/service/self-signed";
import { NatsServer } from "@sightline/service/testing";

/** Where a bench's NATS server is, and where the keys and the certificate of one that is closed are. */
export interface BenchNats {
  url: string;
  directory?: string;
}

/** How an identity gets in. */
export function accessTo({ url, directory }: BenchNats, identity: NatsIdentity): NatsAccess {
  if (directory === undefined) return { natsUrl: url };
  return {
    natsUrl: url,
    natsNkeyFile: natsKeyFile(join(directory, "keys"), identity),
    natsCaFile: join(directory, "tls.crt"),
  };
}

/** A NATS server; with `secure` it wants a key from everybody, with the permissions of each service, and speaks TLS only. */
export async function startBenchNats(secure: boolean): Promise<{ server: NatsServer; nats: BenchNats }> {
  if (!secure) {
    const server = await NatsServer.start();
    return { server, nats: { url: server.url } };
  }
  const { certificate, key } = await makeSelfSigned([]);
  const server = await NatsServer.start((directory) => {
    writeNatsKeys(join(directory, "keys"));
    writeFileSync(join(directory, "tls.crt"), certificate);
    writeFileSync(join(directory, "tls.key"), key, { mode: 0o600 });
    return `tls { cert_file: "${directory}/tls.crt", key_file: "${directory}/tls.key" }\ninclude "keys/${authorizationFile}"`;
  });
  return { server, nats: { url: server.url, directory: server.directory } };
}
