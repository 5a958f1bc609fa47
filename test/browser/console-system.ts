import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { expect } from "vitest";
import { System } from "../system/system.ts";
import { PageRecord } from "./page-record.ts";
import { launchChromium } from "./running-console.ts";

/** For what a whole system on a busy machine may take its time for. */
export const patience = { timeout: 60_000, interval: 200 };

/** A page of the console, and what is known of it. */
export interface ConsolePage {
  page: Page;
  record: PageRecord;
}

/** A whole Sightline and a browser that looks at it, for one test file. */
export class ConsoleSystem {
  readonly system: System;
  readonly origin: string;
  readonly #browser: Browser;
  readonly #secrets: readonly string[];
  readonly #opened: ConsolePage[] = [];

  private constructor(system: System, browser: Browser, secrets: readonly string[]) {
    this.system = system;
    this.origin = `http://127.0.0.1:${system.ports.results}`;
    this.#browser = browser;
    this.#secrets = secrets;
  }

  /** @param secrets that no page may ever be sent @param env settings of the services */
  static async start(secrets: readonly string[] = [], env: NodeJS.ProcessEnv = {}): Promise<ConsoleSystem> {
    const system = await System.start(env);
    try {
      return new ConsoleSystem(system, await launchChromium(), secrets);
    } catch (error) {
      await system.stop();
      throw error;
    }
  }

  /** Opens a page of the console in a browser profile of its own; `origin` is another where a proxy is before it. */
  async open(
    path: string,
    options?: BrowserContextOptions,
    secrets?: readonly string[],
    origin = this.origin,
  ): Promise<ConsolePage> {
    const opened = await this.blank(options, secrets, origin);
    await opened.page.goto(origin + path);
    return opened;
  }

  /**
   * A page that shows nothing yet, in a browser profile of its own.
   * @param secrets that this page may never be sent
   */
  async blank(
    options: BrowserContextOptions = {},
    secrets: readonly string[] = this.#secrets,
    origin = this.origin,
  ): Promise<ConsolePage> {
    const context = await this.#browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
    context.setDefaultTimeout(patience.timeout);
    const page = await context.newPage();
    const record = await PageRecord.of(page, origin, secrets);
    this.#opened.push({ page, record });
    return { page, record };
  }

  /** What the HTTP API answers. */
  async api<T>(path: string): Promise<T> {
    return (await (await fetch(`${this.origin}/api/v1${path}`)).json()) as T;
  }

  /** What must hold for every page at all times. */
  expectClean(): void {
    for (const { faults, foreignRequests, leaks } of this.#opened.map(({ record }) => record))
      expect({ faults, foreignRequests, leaks }).toEqual({ faults: [], foreignRequests: [], leaks: [] });
  }

  async closePages(): Promise<void> {
    for (const { page } of this.#opened.splice(0)) await page.context().close();
  }

  async stop(): Promise<void> {
    await this.#browser.close();
    await this.system.stop();
  }
}
