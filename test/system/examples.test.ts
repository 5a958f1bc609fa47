import { execFile } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { promisify } from "node:util";
import { projectRoot } from "@sightline/stack";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import type { Json } from "./grpc.ts";
import { codeOf, InstalledClient } from "./installed-client.ts";
import { Program } from "./program.ts";
import { System } from "./system.ts";

const python = "/usr/bin/python3";
const patience = { timeout: 120_000 };

let system: System;
let project: InstalledClient;
let address: string;
const programs: Program[] = [];

beforeAll(async () => {
  [system, project] = await Promise.all([System.start(), InstalledClient.make()]);
  address = `127.0.0.1:${system.ports.grpc}`;
  const cameras = await system.cameras(1);
  // Half of the clip's pictures are enough to follow people who walk, and each one that is inferred takes time from the programs.
  await system.register("front", { uri: cameras.url("camera-1"), targetFps: 5 });
}, 300_000);
afterAll(async () => {
  await system?.stop();
  await project?.remove();
});
afterEach(() => Promise.all(programs.splice(0).map((program) => program.end("SIGKILL"))));

function start(command: string, ...args: string[]): Program {
  const program = new Program(command, args, { cwd: project.directory });
  programs.push(program);
  return program;
}
const example = (name: string, ...args: string[]) =>
  start(process.execPath, "--disable-warning=ExperimentalWarning", name, ...args);

/** `name revision` of the first messages about events that are kept, as a foreign client gets them. */
async function keptEvents(count: number): Promise<string[]> {
  const kept: string[] = [];
  const request = { start: { beginning: true } };
  for await (const { happened } of system.client.stream("EventService/SubscribeEvents", request)) {
    kept.push(`${happened.name} ${happened.revision}`);
    if (kept.length === count) break;
  }
  return kept;
}

describe("the package", () => {
  test("has one module, and needs gRPC and the protobuf codec only", async () => {
    expect((await project.files()).sort()).toEqual([
      "LICENSE",
      "README.md",
      "index.d.ts",
      "index.js",
      "package.json",
    ]);
    const packages = await project.packages();
    expect(packages).toEqual(expect.arrayContaining(["@grpc/grpc-js", "@bufbuild/protobuf"]));
    for (const name of ["zod", "fastify", "@sightline/contracts"]) expect(packages).not.toContain(name);
  });

  test("has types under which the examples are sound, and an unsound program is not", async () => {
    const tsc = (...args: string[]) =>
      promisify(execFile)(
        process.execPath,
        [
          join(projectRoot, "node_modules/typescript/bin/tsc"),
          ...["--noEmit", "--strict", "--module", "nodenext", "--target", "es2022", "--lib", "esnext"],
          ...["--typeRoots", join(projectRoot, "node_modules/@types"), "--types", "node"],
          ...args,
        ],
        { cwd: project.directory },
      );
    await tsc("count-people.ts", "alert-on-line-crossing.ts", "write-to-database.ts");
    const source = readFileSync(join(project.directory, "count-people.ts"), "utf8");
    writeFileSync(join(project.directory, "unsound.ts"), source.replace("minScore: 0.5", 'minScore: "0.5"'));
    await expect(tsc("--skipLibCheck", "unsound.ts")).rejects.toMatchObject({
      stdout: expect.stringContaining("minScore"),
    });
  }, 300_000);
});

test("what the examples and docs have people make is nothing that git would ask about", async () => {
  const made = ["events.cursor", "my.sqlite", "my.sqlite-wal", "sightline-client-0.1.0.tgz"];
  const files = [...made, "examples/python/__pycache__/sightline_api.cpython-313.pyc"];
  const { stdout } = await promisify(execFile)("git", ["check-ignore", ...files], { cwd: projectRoot });
  expect(stdout.trim().split("\n")).toEqual(files);
});

test("count-people, on Node.js 20", async () => {
  const program = start(await project.node20(), await project.asJavaScript("count-people.ts"), address);
  const people = () =>
    program.lines.flatMap((line) => /^front: (\d+) in view$/.exec(line)?.[1] ?? []).map(Number);
  await expect.poll(() => people().length, patience).toBeGreaterThan(5);
  expect(program.lines).toHaveLength(people().length);
  expect(Math.max(...people())).toBeGreaterThan(2);
  expect(Math.max(...people())).toBeLessThanOrEqual(20);
  expect(await program.end("SIGINT")).toBe(0);
  expect(program.errors).toEqual(["connecting", "connected"]);
}, 300_000);

test("many loops that share a signal, on Node.js 20: no warning, and nothing is left when they end", async () => {
  const script = join(project.directory, "many-loops.mjs");
  const source = `
    import { connect } from "@sightline/client";
    const sightline = connect(process.argv[2]);
    const abort = new AbortController();
    let open = 0;
    const onOpen = () => ++open === 50 && abort.abort();
    const loop = async () => {
      for await (const _ of sightline.detections.subscribe({ signal: abort.signal, start: "newest", onOpen }));
    };
    await Promise.all(Array.from({ length: 50 }, loop));
    console.log(await sightline.cameras.get("front").then(({ name }) => name));
    sightline.close();`;
  writeFileSync(script, source);
  const { stdout, stderr } = await promisify(execFile)(await project.node20(), [script, address]);
  expect([stdout, stderr]).toEqual(["cameras/front\n", ""]);
}, 300_000);

test("alert-on-line-crossing: each crossing once, whichever of two readers gets it, and those made in between", async () => {
  const alerts = (of: Program[]) => of.flatMap(({ lines }) => lines);
  const first = example("alert-on-line-crossing.ts", address);
  await expect.poll(() => first.lines.length, patience).toBeGreaterThan(0);
  const second = example("alert-on-line-crossing.ts", address);
  await expect.poll(() => second.lines.length, patience).toBeGreaterThan(0);
  const both = [first, second];
  for (const line of alerts(both))
    expect(line).toMatch(/^\d{4}-.*Z front: person \S+ crossed middle to the (left|right)$/);
  expect(await Promise.all(both.map((program) => program.end("SIGINT")))).toEqual([0, 0]);
  const crossings = async (): Promise<Json[]> => {
    const filter = { types: ["EVENT_TYPE_CROSSED_LINE"] };
    return (await system.client.call("EventService/ListEvents", { filter, pageSize: 1000 })).events ?? [];
  };
  const before = (await crossings()).length;
  await expect.poll(async () => (await crossings()).length, patience).toBeGreaterThan(before + 1);
  const later = example("alert-on-line-crossing.ts", address);
  const known = (await crossings()).map(
    ({ track, startTime }) => `${new Date(startTime).toISOString()} front: person ${track.id} `,
  );
  const isTold = (crossing: string) => alerts([...both, later]).some((line) => line.startsWith(crossing));
  await expect.poll(() => known.filter((crossing) => !isTold(crossing)), patience).toEqual([]);
  const all = alerts([...both, later]);
  expect(new Set(all).size).toBe(all.length);
  const { rules } = await system.client.call("RulesService/GetCameraRules", { name: "cameras/front/rules" });
  expect(rules.lines).toHaveLength(1);
  expect(await later.end("SIGINT")).toBe(0);
}, 300_000);

test("write-to-database: killed and started again, every message is there once, in order", async () => {
  const file = join(project.directory, "events.sqlite");
  const rows = () => {
    const database = new DatabaseSync(file, { readOnly: true });
    const all = database.prepare("select name, revision from events order by rowid").all();
    database.close();
    return all.map(({ name, revision }) => `${name} ${revision}`);
  };
  for (const [run, wanted] of [5, 8, 11].entries()) {
    const program = example("write-to-database.ts", address, file);
    await expect.poll(() => program.lines.length && rows().length, patience).toBeGreaterThanOrEqual(wanted);
    await program.end("SIGKILL");
    expect(program.errors).toEqual([run === 0 ? "from the beginning" : "going on where it ended"]);
  }
  const last = example("write-to-database.ts", address, file);
  await expect.poll(() => last.lines.length, patience).toBeGreaterThan(0);
  expect(await last.end("SIGTERM")).toBe(0);
  expect(rows()).toEqual(await keptEvents(rows().length));
}, 300_000);

describe("from Python", () => {
  test("subscribe_events: it goes on after its cursor when the server was killed, or it was ended itself", async () => {
    const cursor = join(project.directory, "python.cursor");
    const path = join(projectRoot, "examples/python/subscribe_events.py");
    const first = start(python, path, address, cursor);
    await expect.poll(() => first.lines.length, patience).toBeGreaterThan(3);
    system.stack.process("results").child.kill("SIGKILL");
    await system.stack.process("results").exited;
    await system.stack.startService("results");
    await expect.poll(() => first.errors, patience).toContain("waiting for the server");
    const before = first.lines.length;
    await expect.poll(() => first.lines.length, patience).toBeGreaterThan(before + 3);
    expect(await first.end("SIGTERM")).toBe("SIGTERM");
    const second = start(python, path, address, cursor);
    await expect.poll(() => second.lines.length, patience).toBeGreaterThan(1);
    await second.end("SIGTERM");
    const seen = [...first.lines, ...second.lines].map((line) => line.split(" ").slice(0, 2).join(" "));
    const kept = await keptEvents(new Set(seen).size);
    // What was printed but not noted when it was ended comes once more; nothing is left out.
    expect([...new Set(seen)]).toEqual(kept);
    expect(seen.length - kept.length).toBeLessThanOrEqual(1);
  }, 300_000);

  test("consume: what it acknowledged does not come again", async () => {
    const path = join(projectRoot, "examples/python/consume.py");
    const first = start(python, path, address, "from-python");
    await expect.poll(() => first.lines.length, patience).toBeGreaterThan(3);
    await first.end("SIGTERM");
    const second = start(python, path, address, "from-python");
    await expect.poll(() => second.lines.length, patience).toBeGreaterThan(1);
    await second.end("SIGTERM");
    const seen = (lines: string[]) => lines.map((line) => line.split(" ").slice(0, 2).join(" "));
    const acknowledged = new Set(seen(first.lines.slice(0, -1)));
    expect(seen(second.lines).filter((each) => acknowledged.has(each))).toEqual([]);
    const all = new Set([...seen(first.lines), ...seen(second.lines)]);
    expect(await keptEvents(all.size)).toEqual([...all]);
  }, 300_000);
});

// Last, since its cameras would be counted by the others.
test("the quick start, as docs/sdk.md has it: JavaScript on Node.js 20, TypeScript on 24", async () => {
  const cameras = await system.cameras(1);
  const run = (id: string, file: string) => {
    const code = codeOf("docs/sdk.md", "ts", "## Quick start")
      .replace("127.0.0.1:50051", address)
      .replace(/rtsp:[^"]+/, cameras.url("camera-1"))
      .replaceAll('"front"', `"${id}"`);
    writeFileSync(join(project.directory, file), code);
    return file;
  };
  const started = [
    start(await project.node20(), run("quick-20", "quick-start.js")),
    start(process.execPath, run("quick-24", "quick-start.ts")),
  ];
  for (const program of started)
    await expect.poll(() => program.lines, patience).toContain("person entered road");
  // Once more, where the camera is there.
  started.push(start(process.execPath, run("quick-24", "quick-start.ts")));
  await expect.poll(() => started.at(-1)!.lines, patience).toContain("person entered road");
  for (const program of started) expect(program.errors).toEqual([]);
}, 300_000);
