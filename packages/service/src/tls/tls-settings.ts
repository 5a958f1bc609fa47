import { setting } from "../config.ts";

/** The certificate that a server shows, and which clients' certificates it accepts. */
export const tlsServerSettings = {
  tlsCertFile: {
    env: "SIGHTLINE_TLS_CERT_FILE",
    schema: setting.optionalText(),
    help: "file with the certificate (PEM, with its chain) of gRPC and HTTP; makes TLS required; goes with SIGHTLINE_TLS_KEY_FILE",
  },
  tlsKeyFile: {
    env: "SIGHTLINE_TLS_KEY_FILE",
    schema: setting.optionalText(),
    help: "file with the private key (PEM) of SIGHTLINE_TLS_CERT_FILE",
  },
  tlsClientCaFile: {
    env: "SIGHTLINE_TLS_CLIENT_CA_FILE",
    schema: setting.optionalText(),
    help: "file with the certificates (PEM) that clients' certificates are checked with; the common name of one names a user",
  },
} as const;

/** How a client of the results service checks the server's certificate, and which one it shows itself. */
export const tlsClientSettings = {
  tlsCaFile: {
    env: "SIGHTLINE_TLS_CA_FILE",
    schema: setting.optionalText(),
    help: "file with the certificates (PEM) that the server's own is checked with, instead of the public ones; makes TLS required",
  },
  tlsServerName: {
    env: "SIGHTLINE_TLS_SERVER_NAME",
    schema: setting.optionalText(),
    help: "name that the server's certificate must have, where it is called by another one",
  },
  tlsClientCertFile: {
    env: "SIGHTLINE_TLS_CLIENT_CERT_FILE",
    schema: setting.optionalText(),
    help: "file with the client's certificate (PEM), which names its user; goes with SIGHTLINE_TLS_CLIENT_KEY_FILE",
  },
  tlsClientKeyFile: {
    env: "SIGHTLINE_TLS_CLIENT_KEY_FILE",
    schema: setting.optionalText(),
    help: "file with the private key (PEM) of SIGHTLINE_TLS_CLIENT_CERT_FILE",
  },
} as const;
