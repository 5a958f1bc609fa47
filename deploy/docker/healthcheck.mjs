// For a container's health check: ends well when the service of this container says that it is ready.
import { get as getPlain } from "node:http";
import { get as getTls } from "node:https";

// It asks itself, so its own certificate, of whatever name, needs no check.
const tls = Boolean(process.env.SIGHTLINE_TLS_CERT_FILE);
const url = `${tls ? "https" : "http"}://127.0.0.1:${process.argv[2]}/readyz`;
(tls ? getTls : getPlain)(url, { rejectUnauthorized: false }, ({ statusCode }) =>
  process.exit(statusCode === 200 ? 0 : 1),
).on("error", () => process.exit(1));
