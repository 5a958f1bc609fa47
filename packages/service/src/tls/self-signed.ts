// x509 needs this import first.
import "reflect-metadata";
import { KeyObject, randomBytes, webcrypto } from "node:crypto";
import { isIP } from "node:net";
import * as x509 from "@peculiar/x509";

const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
/** Browsers do not accept a certificate that is valid for longer. */
const longestDays = 398;
/** For clocks that are a little behind. */
const earlierMs = 60 * 60 * 1000;

/** A certificate and its private key, both as PEM. */
export interface CertificatePair {
  certificate: string;
  key: string;
}

/**
 * Creates a self-signed certificate for a server with the names and addresses in `hosts`, or for localhost and loopback addresses.
 * @param days how long it is valid
 */
export async function makeSelfSigned(hosts: readonly string[], days = longestDays): Promise<CertificatePair> {
  const names = [...new Set([...hosts, "localhost", "127.0.0.1", "::1"])];
  const keys = (await webcrypto.subtle.generateKey(algorithm, true, [
    "sign",
    "verify",
  ])) as webcrypto.CryptoKeyPair;
  const certificate = await x509.X509CertificateGenerator.createSelfSigned(
    {
      serialNumber: randomBytes(16).toString("hex"),
      name: [{ CN: [names[0]!.slice(0, 64)] }],
      notBefore: new Date(Date.now() - earlierMs),
      notAfter: new Date(Date.now() + days * 86_400_000),
      keys,
      signingAlgorithm: algorithm,
      extensions: [
        new x509.BasicConstraintsExtension(false, undefined, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
        new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
        new x509.SubjectAlternativeNameExtension(
          names.map((value) => ({ type: isIP(value) ? "ip" : "dns", value })),
        ),
        await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
      ],
    },
    webcrypto as never,
  );
  const key = KeyObject.from(keys.privateKey);
  return {
    certificate: `${certificate.toString("pem")}\n`,
    key: key.export({ type: "pkcs8", format: "pem" }) as string,
  };
}
