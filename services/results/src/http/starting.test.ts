import { once } from "node:events";
import { createLogger, Lifecycle, loadConfig } from "@sightline/service";
import { freePort } from "@sightline/service/testing";
import { expect, test } from "vitest";
import { WebSocket } from "ws";
import { settings } from "../config.ts";
import { startResults } from "../results-service.ts";

test("while NATS is waited for, health and console are served, and the API says that it is starting", async () => {
  const address = `127.0.0.1:${await freePort()}`;
  const config = loadConfig(settings, {
    SIGHTLINE_NATS_URL: `nats://127.0.0.1:${await freePort()}`,
    SIGHTLINE_GRPC: "127.0.0.1:0",
    SIGHTLINE_RESULTS_HTTP: address,
    SIGHTLINE_CONSOLE_DIR: "/nonexistent/console",
  });
  const life = new Lifecycle();
  const log = createLogger("test", "fatal");
  const starting = startResults(config, log, life).catch((error: unknown) => error);
  await expect
    .poll(() =>
      fetch(`http://${address}/healthz`).then(
        ({ status }) => status,
        () => 0,
      ),
    )
    .toBe(200);
  expect((await fetch(`http://${address}/readyz`)).status).toBe(503);
  const answer = await fetch(`http://${address}/api/v1/cameras`);
  expect([answer.status, await answer.json()]).toMatchObject([503, { code: "starting" }]);
  expect((await fetch(`http://${address}/api/v1/openapi.json`)).status).toBe(200);
  expect(await (await fetch(`http://${address}/`)).text()).toContain("console");
  const socket = new WebSocket(`ws://${address}/api/v1/live`);
  const [error] = await once(socket, "error");
  expect((error as Error).message).toContain("503");
  await life.stop(log);
  expect(await starting).toBeInstanceOf(Error);
});
