import { setTimeout as delay } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { SettingError } from "./errors.ts";
import { isPassingFailure } from "./jetstream-errors.ts";
import { createLogger, type Logger } from "./log.ts";
import { unknownSettings } from "./setting-names.ts";

/** Meanwhile ingest hands its cameras over. Whatever stops services with SIGKILL must wait longer than this. */
const shutdownLimitMs = 15_000;
const startAgainMs = 500;

/** A part of a service that must be stopped; parts are stopped in reverse order of their start. */
export interface Stoppable {
  stop(): Promise<void>;
}

/** Collects the started parts of a service. */
export class Lifecycle {
  readonly #parts: Stoppable[] = [];
  readonly #abort = new AbortController();

  /** Aborts when shutdown begins. */
  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  /** Registers a started part and returns it. */
  add<T extends Stoppable>(part: T): T {
    this.#parts.push(part);
    return part;
  }

  /** Stops every part, newest first; if one fails, the others still stop. */
  async stop(log: Logger): Promise<void> {
    this.#abort.abort();
    for (const part of this.#parts.splice(0).reverse())
      await part.stop().catch((error: Error) => log.error({ err: error }, "a part did not stop cleanly"));
  }
}

/**
 * Runs a service until SIGINT or SIGTERM, with the settings that `configure` reads and a log with its `name`. Exit code 0 after a clean
 * stop; 2 for a wrong setting, even if it is found only during the start; 1 for any other failure, or when stopping takes longer than 15 s.
 * A start fails while JetStream starts or has no leader; then it is tried again.
 */
export async function runService<Settings extends { logLevel: string }>(
  name: string,
  configure: () => Settings,
  start: (config: Settings, log: Logger, life: Lifecycle) => Promise<unknown>,
): Promise<void> {
  let config: Settings;
  try {
    config = configure();
  } catch (error) {
    if (!(error instanceof SettingError)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exit(2);
  }
  const log = createLogger(name, config.logLevel);
  for (const fault of unknownSettings()) log.warn(fault);
  let life = new Lifecycle();
  let stopping = false;
  const shutdown = async (why: string, code: number) => {
    if (stopping) return;
    stopping = true;
    log.info({ why }, "stopping");
    const limit = setTimeout(() => {
      log.error("stopping took too long; ending the process now");
      process.exit(1);
    }, shutdownLimitMs);
    await life.stop(log);
    clearTimeout(limit);
    log.info("stopped");
    process.exit(code);
  };
  process.on("SIGINT", () => void shutdown("SIGINT", 0));
  process.on("SIGTERM", () => void shutdown("SIGTERM", 0));
  process.on("uncaughtException", (error) => {
    log.fatal({ err: error }, "uncaught error");
    void shutdown("uncaught error", 1);
  });
  process.on("unhandledRejection", (error) => {
    log.fatal({ err: error }, "unhandled rejection");
    void shutdown("unhandled rejection", 1);
  });
  for (;;)
    try {
      await start(config, log, life);
      return;
    } catch (error) {
      if (life.signal.aborted) return;
      if (error instanceof SettingError) {
        log.fatal({ err: error }, error.message);
        return shutdown("a setting is wrong", 2);
      }
      if (!isPassingFailure(error)) {
        log.fatal({ err: error }, "cannot start");
        return shutdown("start failed", 1);
      }
      log.warn({ err: error }, "JetStream is not ready, so the service could not start; starting again");
      const given = life;
      life = new Lifecycle();
      await given.stop(log);
      await delay(startAgainMs);
      if (stopping) return;
    }
}

/**
 * Tells V8 that this process allocates and frees large buffers. By default V8 collects all garbage whenever a few tens of megabytes of
 * buffers were allocated. With frames of a megabyte this is several times a second, and was half of a frame's cost
 * (docs/decisions/frames-on-nats.md). With this flag, buffers count towards the heap's own limits instead.
 */
export function expectLargeBuffers(): void {
  setFlagsFromString("--external-memory-accounted-in-global-limit");
}
