import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { OidcProviderOptions } from "./oidc-provider-process.ts";

const main = fileURLToPath(new URL("oidc-provider-process.ts", import.meta.url));

/** A real OpenID Connect provider in its own process, which can be stopped and started again at the same address. */
export class OidcProvider {
  readonly issuer: string;
  readonly #port: number;
  #child: ChildProcess | undefined;

  constructor(port: number) {
    this.#port = port;
    this.issuer = `http://127.0.0.1:${port}`;
  }

  async start(options: OidcProviderOptions): Promise<void> {
    const child = spawn(process.execPath, [main, String(this.#port), JSON.stringify(options)], {
      // It warns that it is configured for tests.
      stdio: ["ignore", "pipe", "ignore"],
    });
    this.#child = child;
    for await (const text of child.stdout) if (String(text).includes(this.issuer)) break;
  }

  async stop(): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (!child || child.exitCode !== null) return;
    child.kill();
    await once(child, "exit");
  }
}
