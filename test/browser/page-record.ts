import {
  type LiveMessage,
  type LiveRequest,
  liveMessageSchema,
  liveRequestSchema,
} from "@sightline/contracts";
import type { Page, WebSocket } from "playwright-core";

/** Answers that are no success are the tests' doing; what they say is on the page. */
const expectedComplaint = /^Failed to load resource|^WebSocket connection to/;

/** What a page complains of, asks for and is told, from its beginning. */
export class PageRecord {
  /** Uncaught errors, violations of the Content-Security-Policy, and all else that it writes as an error or warning. */
  readonly faults: string[] = [];
  /** Requests to anything but the server. */
  readonly foreignRequests: string[] = [];
  /** Where the server has sent one of the secrets. */
  readonly leaks: string[] = [];
  /** What the page has asked for on its live connections. */
  readonly requests: LiveRequest[] = [];
  /** Pictures and messages that have come on them, by type. */
  readonly received = new Map<LiveMessage["type"] | "picture", number>();
  readonly #origin: string;
  readonly #secrets: readonly string[];

  /** @param origin of the server @param secrets that the server must never send */
  static async of(page: Page, origin: string, secrets: readonly string[]): Promise<PageRecord> {
    const record = new PageRecord(origin, secrets);
    await page.addInitScript(
      'document.addEventListener("securitypolicyviolation", ({ violatedDirective, blockedURI }) => console.error("Content-Security-Policy:", violatedDirective, blockedURI))',
    );
    record.#follow(page);
    return record;
  }

  private constructor(origin: string, secrets: readonly string[]) {
    this.#origin = origin;
    this.#secrets = secrets;
  }

  count(type: LiveMessage["type"] | "picture"): number {
    return this.received.get(type) ?? 0;
  }

  /** Ids of the cameras whose pictures the page wants now. */
  get watched(): string[] {
    const last = this.requests.findLast((request) => request.type === "watch");
    return last?.cameras.map(({ id }) => id) ?? [];
  }

  #follow(page: Page): void {
    page.on("pageerror", (error) => this.faults.push(String(error)));
    page.on("console", (message) => {
      if (!["error", "warning"].includes(message.type()) || expectedComplaint.test(message.text())) return;
      this.faults.push(message.text());
    });
    page.on("request", (request) => this.#checkOrigin(request.url()));
    page.on("response", async (response) => {
      // What a page has left before it was read was not shown on it either.
      const body = await response.body().catch(() => undefined);
      if (body) this.#checkSecrets(response.url(), body);
      this.#checkSecrets(response.url(), Buffer.from(JSON.stringify(response.headers())));
    });
    page.on("websocket", (socket) => this.#followSocket(socket));
  }

  #followSocket(socket: WebSocket): void {
    this.#checkOrigin(socket.url().replace(/^ws/, "http"));
    if (socket.url().endsWith("/video")) {
      socket.on("framereceived", ({ payload }) => this.#checkSecrets(socket.url(), Buffer.from(payload)));
      return;
    }
    socket.on("framesent", ({ payload }) => {
      this.requests.push(liveRequestSchema.parse(JSON.parse(String(payload))));
    });
    socket.on("framereceived", ({ payload }) => {
      this.#checkSecrets(socket.url(), Buffer.from(payload));
      const type =
        typeof payload === "string" ? liveMessageSchema.parse(JSON.parse(payload)).type : "picture";
      this.received.set(type, this.count(type) + 1);
    });
  }

  #checkOrigin(url: string): void {
    const { origin, protocol } = new URL(url);
    if (protocol !== "data:" && origin !== this.#origin) this.foreignRequests.push(url);
  }

  #checkSecrets(url: string, body: Buffer): void {
    if (this.#secrets.some((secret) => body.includes(secret))) this.leaks.push(url);
  }
}
