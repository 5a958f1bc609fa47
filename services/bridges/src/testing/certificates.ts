import { execFileSync } from "node:child_process";

/** Makes an authority (`ca.pem`) and by it a certificate for `localhost` (`server.pem`, `server.key`) in a directory. */
export function makeCertificates(directory: string): void {
  const openssl = (...args: string[]) => execFileSync("openssl", args, { cwd: directory, stdio: "ignore" });
  const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-noenc", "-days", "2"];
  openssl("req", "-x509", ...key, "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=Test CA");
  const server = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"];
  const by = ["-CA", "ca.pem", "-CAkey", "ca.key"];
  openssl("req", "-x509", ...key, "-keyout", "server.key", "-out", "server.pem", ...server, ...by);
}
