import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { connect, EventType, type SightlineClient } from "@sightline/client";
import { afterAll, beforeAll, expect, test } from "vitest";
import { typeFaults, writeExamples } from "./docs-examples.ts";
import { System } from "./system/system.ts";

const directory = mkdtempSync(join(tmpdir(), "sightline-examples-"));
const packages = writeExamples(directory);

let system: System;
let client: SightlineClient;
let token: string;
const address = () => `127.0.0.1:${system.ports.grpc}`;

/** A system with an admin, and a camera of which there are events, detections and video. */
beforeAll(async () => {
  system = await System.start();
  const open = connect(address());
  await open.access.createUser("root", { role: "admin", password: "a long password" });
  token = (await open.access.logIn("root", "a long password")).secret;
  open.close();
  client = connect(address(), { token });
  const cameras = await system.cameras(1);
  const recording = { mode: "continuous" } as const;
  await client.cameras.register("front", { uri: cameras.url("camera-1"), recording });
  await client.rules.update("front", { rules: [{ type: EventType.APPEARED }] });
  await system.until(async () => (await client.recordings.spans("front")).length > 0);
  for await (const { kind } of client.events.subscribe({ start: "beginning" })) if (kind === "event") break;
});
afterAll(async () => {
  client?.close();
  await system?.stop();
  rmSync(directory, { recursive: true, force: true });
});

test.each(packages)("every function and class that $name exports has an example", ({ all }) => {
  expect(all.length).toBeGreaterThan(5);
  expect(all.filter(({ text }) => text === undefined).map(({ of }) => of)).toEqual([]);
});

test("the examples are right by their types", () => {
  expect(typeFaults(packages.map(({ file }) => file))).toEqual([]);
});

const examples = packages.flatMap(({ name, file, all }) =>
  all.flatMap(({ of, text }) => (text === undefined ? [] : [{ name, file, of }])),
);
test.each(examples)("the example of $name's $of runs", async ({ name, file, of }) => {
  const module = await import(/* @vite-ignore */ pathToFileURL(file).href);
  const scratch = join(directory, `${name}-${of}`);
  mkdirSync(scratch);
  await module.examples[of]({ client, address: address(), token, scratch });
});
