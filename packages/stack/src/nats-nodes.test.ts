import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { makeSite } from "@sightline/service";
import { afterEach, beforeEach, expect, test } from "vitest";
import { natsStore, storedByOthers, writeNatsConfig } from "./nats-nodes.ts";

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "nats-nodes-"));
});
afterEach(() => rmSync(directory, { recursive: true }));

test("data of one server is not given to three, nor data of three to one", async () => {
  const nodes = [1, 2, 3].map((n) => ({ nats: 4221 + n, route: 6221 + n }));
  const store = (node: number) =>
    mkdirSync(join(natsStore(directory, node), "jetstream"), { recursive: true });
  await writeNatsConfig(directory, join(directory, "keys"), nodes.slice(0, 1), 0);
  expect(storedByOthers(directory, 3), "nothing is stored yet").toBeUndefined();
  store(0);
  expect(storedByOthers(directory, 1)).toBeUndefined();
  expect(storedByOthers(directory, 3)).toMatch(
    /what one NATS server stored: start it with `.\/sightline up`/,
  );

  await writeNatsConfig(directory, join(directory, "keys"), nodes, 0);
  expect(storedByOthers(directory, 3), "the others have not started yet").toBeUndefined();
  for (const node of [1, 2]) store(node);
  expect(storedByOthers(directory, 3)).toBeUndefined();
  expect(storedByOthers(directory, 1)).toMatch(/what a cluster of NATS servers stored: .* --cluster 3`/);
});

test("servers of a cluster know each other by a password that only their owner can read; one alone has no cluster", async () => {
  const keys = join(directory, "keys");
  const nodes = [1, 2, 3].map((n) => ({ nats: 4221 + n, route: 6221 + n }));
  const configs = await Promise.all(nodes.map((_, index) => writeNatsConfig(directory, keys, nodes, index)));
  const [first, second] = configs.map((path) => readFileSync(path, "utf8"));
  const password = /password: "([^"]{32})"/.exec(first!)![1]!;
  expect(second).toContain(`nats-route://route:${password}@127.0.0.1:6222`);
  expect(second).toMatch(/server_name: node-2\n/);
  expect(configs.map((path) => statSync(path).mode & 0o777)).toEqual([0o600, 0o600, 0o600]);
  expect(readFileSync(await writeNatsConfig(directory, keys, nodes.slice(0, 1), 0), "utf8")).not.toContain(
    "cluster",
  );
});

test("the keys' directory makes a server the centre of sites, or a site; without such files it is neither", async () => {
  const nodes = [{ nats: 4222, route: 0 }];
  const config = async (name: string) =>
    readFileSync(await writeNatsConfig(directory, join(directory, name), nodes, 0), "utf8");
  expect(await config("alone")).not.toMatch(/domain|centre\.conf|site\.conf/);
  const file = makeSite(join(directory, "centre"), "north", { centre: "tls://centre.example.org:7422" });
  expect(await config("centre")).toMatch(/include "centre\/centre\.conf".* domain: centre /s);
  mkdirSync(join(directory, "site"));
  copyFileSync(file, join(directory, "site", "site.conf"));
  expect(await config("site")).toMatch(/include "site\/site\.conf".* domain: \$SITE /s);
  // A cluster that is a site has a name of its own: NATS would not join it to a centre's of the same name.
  const cluster = [1, 2, 3].map((at) => ({ nats: 4222 + at, route: 6222 + at }));
  const named = async (name: string) =>
    readFileSync(await writeNatsConfig(directory, join(directory, name), cluster, 0), "utf8");
  expect(await named("site")).toMatch(/cluster {\n {2}name: \$SITE\n/);
  expect(await named("centre")).toMatch(/cluster {\n {2}name: sightline\n/);
});
