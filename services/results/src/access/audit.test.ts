import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { WebSocket } from "ws";
import { RunningResults } from "../testing/running-results.ts";

let results: RunningResults;
beforeAll(async () => {
  results = await RunningResults.start();
});
afterAll(() => results.stop());

const secret = "hunter2hunter2";

async function ask(method: string, path: string, body?: unknown) {
  const answer = await fetch(`http://${results.addresses.http}/api/v1${path}`, {
    method,
    ...(body !== undefined && {
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    }),
  });
  return { status: answer.status, text: await answer.text() };
}

const listed = async (query = "") =>
  JSON.parse((await ask("GET", `/audit${query}`)).text) as {
    records: { action: string; user?: string; target?: string; outcome: string; detail?: string }[];
    nextPageToken?: string;
  };

test("who did what is recorded, over HTTP and in whatever way it ended, without secrets", async () => {
  await ask("POST", "/auth/login", { user: "mallory", password: secret });
  await ask("POST", "/auth/login", { user: "mallory", password: secret });
  await ask("POST", "/cameras", { id: "front", uri: `rtsp://admin:${secret}@127.0.0.1:1/live` });
  await ask("PATCH", "/cameras/front", { targetFps: 3 });
  await ask("GET", "/cameras/none/picture");
  await ask("GET", "/cameras");
  await ask("POST", "/probe", { uri: `rtsp://admin:${secret}@127.0.0.1:1/live` });
  const video = new WebSocket(`ws://${results.addresses.http}/api/v1/cameras/front/video`);
  await new Promise((resolve) => video.once("close", resolve));
  await ask("DELETE", "/cameras/front");
  const expected = [
    { action: "camera.delete", user: "local", target: "front", outcome: "ok" },
    { action: "video.watch", user: "local", target: "front", outcome: "ok" },
    { action: "camera.probe", user: "local", outcome: "failed" },
    { action: "picture.download", user: "local", target: "none", outcome: "failed" },
    { action: "camera.update", user: "local", target: "front", outcome: "ok", detail: "sets targetFps" },
    { action: "camera.create", user: "local", target: "front", outcome: "ok" },
    // Twice within a minute, and recorded once.
    { action: "login", user: "mallory", outcome: "denied", address: "127.0.0.1" },
  ];
  await vi.waitFor(async () => expect((await listed()).records).toMatchObject(expected), 60_000);
  expect((await ask("GET", "/audit")).text).not.toContain(secret);

  const pages = [];
  for (let token: string | undefined = ""; token !== undefined; ) {
    const page = await listed(`?pageSize=2&pageToken=${token}`);
    pages.push(page.records.length);
    token = page.nextPageToken;
  }
  expect(pages).toEqual([2, 2, 2, 1]);
  expect((await listed("?user=mallory")).records).toHaveLength(1);
  expect((await listed("?action=camera.update")).records).toHaveLength(1);
  expect((await listed("?to=2020-01-01T00:00:00Z")).records).toEqual([]);
  expect((await listed(`?from=${new Date(Date.now() + 60_000).toISOString()}`)).records).toEqual([]);
  const bySdk = await Array.fromAsync(results.client.audit.list({ user: "local" }));
  expect(bySdk.map(({ action }) => action)).toEqual(expected.slice(0, 6).map(({ action }) => action));
});

test("what is done while NATS is away is recorded when it is back", async () => {
  await results.server.down();
  await ask("POST", "/auth/logout");
  await results.server.up();
  await vi.waitFor(async () => expect((await listed("?action=logout")).records).toHaveLength(1), 30_000);
});
