import { execFileSync, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { jetstream } from "@nats-io/jetstream";
import { connect, type SightlineClient } from "@sightline/client";
import { Event, EventType, streams, subjects } from "@sightline/contracts";
import {
  centreFile,
  connectNats,
  createLogger,
  type Nats,
  natsKeyFile,
  siteFile,
  sitesDirectory,
} from "@sightline/service";
import { freePort } from "@sightline/service/testing";
import { natsKeysIn, projectRoot, writeNatsConfig } from "@sightline/stack";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { CuttableLink } from "../../services/results/src/testing/cuttable-link.ts";
import { expectAccessible, prepareAccessible } from "../browser/accessible.ts";
import { PageRecord } from "../browser/page-record.ts";
import { launchChromium } from "../browser/running-console.ts";
import { Program } from "./program.ts";
import { System } from "./system.ts";

const cameras = ["door", "yard"];
const patience = { timeout: 60_000, interval: 500 };
/** Of a frame as a worker gets it, of the model that ships. */
const frameBytes = 614_912;

let directory: string;
let keys: string;
let link: CuttableLink;
let site: System;
let atSite: SightlineClient;
/** Where results of the centre has its console. */
let consoleAt: string;
let centre: SightlineClient;
const nats = {} as { site: Nats; centre: Nats };
const programs: Program[] = [];

/** Results and NATS of the centre, which needs no more, and a whole site; all that they know of each other is what the command makes. */
beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), "sightline-edge-"));
  const [own, siteDirectory] = [join(directory, "centre"), join(directory, "site")];
  keys = natsKeysIn(own);
  const [leafPort, natsPort, grpc] = [await freePort(), await freePort(), await freePort()];
  consoleAt = `127.0.0.1:${await freePort()}`;
  link = await CuttableLink.start(leafPort);
  const centreUrl = `nats://127.0.0.1:${link.port}`;
  execFileSync(join(projectRoot, "sightline"), [
    "nats",
    "site",
    "north",
    "--centre",
    centreUrl,
    "--out",
    keys,
  ]);
  // The site reaches the centre through a link that can be cut.
  const listening = readFileSync(join(keys, centreFile), "utf8");
  writeFileSync(join(keys, centreFile), listening.replace(`0.0.0.0:${link.port}`, `127.0.0.1:${leafPort}`));
  const config = await writeNatsConfig(own, keys, [{ nats: natsPort, route: 0 }], 0);
  const natsUrl = `nats://127.0.0.1:${natsPort}`;
  programs.push(new Program("nats-server", ["-c", config]));
  const settings = {
    SIGHTLINE_NATS_URL: natsUrl,
    SIGHTLINE_NATS_NKEY_FILE: natsKeyFile(keys, "results"),
    SIGHTLINE_SITES_DIRECTORY: sitesDirectory(keys),
    SIGHTLINE_GRPC: `127.0.0.1:${grpc}`,
    SIGHTLINE_RESULTS_HTTP: consoleAt,
  };
  programs.push(
    new Program("env", [
      ...Object.entries(settings).map(([name, value]) => `${name}=${value}`),
      process.execPath,
      join(projectRoot, "services/results/src/main.ts"),
    ]),
  );
  centre = connect(`127.0.0.1:${grpc}`);

  mkdirSync(natsKeysIn(siteDirectory), { recursive: true });
  copyFileSync(join(sitesDirectory(keys), "north.conf"), join(natsKeysIn(siteDirectory), siteFile));
  site = await System.start({}, siteDirectory);
  atSite = connect(`127.0.0.1:${site.ports.grpc}`);
  const log = createLogger("test", "fatal");
  nats.site = await connectNats(site.natsAccess, "operator", log);
  nats.centre = await connectNats({ natsUrl, natsNkeyFile: natsKeyFile(keys, "operator") }, "operator", log);
});

afterAll(async () => {
  for (const client of [centre, atSite]) client?.close();
  for (const { connection } of Object.values(nats)) await connection.close();
  try {
    await site?.stop();
  } finally {
    for (const program of programs.reverse()) await program.end("SIGTERM");
    link?.cut();
    rmSync(directory, { recursive: true, force: true });
  }
});

/** Names and revisions of all messages about events, in order. */
async function told({ connection, manager }: Nats): Promise<string[]> {
  const { state } = await manager.streams.info(streams.events);
  if (state.messages === 0) return [];
  const consumer = await jetstream(connection).consumers.get(streams.events);
  const all: string[] = [];
  for await (const message of await consumer.consume()) {
    const { name, revision } = Event.decode(message.data);
    all.push(`${name} ${revision}`);
    if (message.info.pending === 0) break;
  }
  return all;
}

/** What tells a picture of an event from others; undefined when it has none. */
const hash = (client: SightlineClient, event: string) =>
  client.events.snapshot(event).then(
    ({ jpeg }) => createHash("sha256").update(jpeg).digest("hex"),
    () => undefined,
  );

const asAtCentre = (names: readonly string[]) =>
  names.map((name) => name.replace("cameras/", "cameras/north-"));

test("events and pictures of real cameras come to the centre once and in order, through a link that is cut; frames stay", async () => {
  const heard = new Set<string>();
  const listen = () =>
    nats.centre.connection.subscribe(">", {
      callback: (_error, { subject }) => void heard.add(subject.split(".").slice(0, 2).join(".")),
    });
  const listening = listen();
  const server = await site.cameras(cameras.length);
  for (const [number, camera] of cameras.entries()) {
    await atSite.cameras.register(camera, { uri: server.url(`camera-${number + 1}`) });
    await atSite.rules.update(camera, { rules: [{ type: EventType.APPEARED, name: "anybody" }] });
  }
  const enough = async (side: Nats, more: number) => {
    const all = await told(side);
    return cameras.every((camera) => all.filter((each) => each.includes(`${camera}/`)).length >= more);
  };
  await site.until(() => enough(nats.centre, 2));

  // Frames are asked for by this subject at the site, where events come of them; from the centre nobody hears it.
  listening.unsubscribe();
  await nats.centre.connection.flush();
  await expect(
    nats.centre.connection.request(subjects.frameGet("door"), "", { timeout: 2_000 }),
  ).rejects.toThrow(/no responders/i);
  listen();

  link.cut();
  const before = (await told(nats.site)).length;
  await delay(4_000);
  await site.until(async () => (await told(nats.site)).length >= before + 4);
  const meanwhile = await told(nats.centre);
  expect(meanwhile.length).toBeLessThan(before + 4);
  await link.join();
  let captured = 0;
  for (const camera of cameras) {
    captured += (await site.ledger(camera)).captured;
    await site.remove(camera);
  }

  let all: string[] = [];
  await site.until(async () => {
    await delay(500);
    const now = await told(nats.site);
    const settled = now.length === all.length;
    all = now;
    return settled && (await told(nats.centre)).length >= all.length;
  });
  expect(await told(nats.centre)).toEqual(asAtCentre(all));
  expect(new Set(all).size).toBe(all.length);

  let pictures = 0;
  for (const event of new Set(all.map((each) => each.split(" ")[0]!))) {
    const own = await hash(atSite, event);
    if (own === undefined) continue;
    await expect.poll(() => hash(centre, asAtCentre([event])[0]!)).toBe(own);
    pictures++;
  }
  expect(pictures).toBeGreaterThan(0);

  // Pictures of events are the most of it, a hundred kilobytes each.
  expect(captured).toBeGreaterThan(20);
  expect(link.sent).toBeLessThan((captured * frameBytes) / 10);
  expect([...heard].filter((root) => /^(frames|ready|detections|timeline|shadows)\./.test(root))).toEqual([]);
}, 120_000);

test("a site whose password is not the centre's is told so by its NATS server, and stays apart", async () => {
  const own = join(directory, "wrong");
  mkdirSync(own);
  const text = readFileSync(join(sitesDirectory(keys), "north.conf"), "utf8");
  writeFileSync(join(own, "site.conf"), text.replace(/north:[^@]*@/, "north:sesame@"));
  writeFileSync(
    join(own, "nats.conf"),
    `port: ${await freePort()}\ninclude "site.conf"\njetstream { store_dir: "${own}/data", domain: $SITE }`,
  );
  const wrong = new Program("nats-server", ["-c", join(own, "nats.conf")]);
  programs.push(wrong);
  await expect.poll(() => wrong.errors.join("\n")).toMatch(/Leafnode Error 'Authorization Violation'/);
  const [centreNats] = programs;
  expect(centreNats!.errors.join("\n")).toMatch(/authentication error/);
});

/** What is used of images in the page. */
interface Image {
  naturalWidth: number;
}

test("the centre's console shows events of the site's cameras with their pictures, and offers no more of them", async () => {
  const browser = await launchChromium();
  onTestFinished(() => browser.close());
  const page = await browser.newPage({ viewport: { width: 360, height: 800 } });
  const origin = `http://${consoleAt}`;
  const record = await PageRecord.of(page, origin, []);
  await prepareAccessible(page);
  await page.goto(`${origin}/`);
  await page.getByRole("heading", { name: "Cameras of 1 site" }).waitFor();
  await page.getByRole("link", { name: "Events" }).last().click();
  await page.getByLabel("Camera", { exact: true }).selectOption("north-door (site north)");
  await expect.poll(() => new URL(page.url()).search, patience).toBe("?camera=north-door");
  await page.getByLabel("Class", { exact: true }).selectOption("person");
  const events = page.getByTestId("events");
  const picture = events.locator("img").first();
  await expect
    .poll(() => picture.evaluate(({ naturalWidth }: Image) => naturalWidth), patience)
    .toBeGreaterThan(0);
  await expectAccessible(page);
  await events
    .getByRole("link", { name: /^Show the snapshot: Person appeared/ })
    .first()
    .click();
  const opened = page.getByRole("dialog");
  await expect
    .poll(() => opened.locator("img").evaluate(({ naturalWidth }: Image) => naturalWidth), patience)
    .toBeGreaterThan(0);
  expect(await opened.getByRole("button", { name: "Play the clip" }).count()).toBe(0);
  // The camera has no page here.
  await opened.getByRole("link", { name: "north-door" }).click();
  await expect.poll(() => page.url(), patience).toBe(`${origin}/events?camera=north-door`);
  await page.goto(`${origin}/cameras/north-door`);
  await page.getByText("This is a camera of the site north; only its events are here.").waitFor();
  await page.goto(`${origin}/timeline`);
  await page.getByTestId("timeline-north-door").getByText("Of site north: video stays there").waitFor();
  expect({ faults: record.faults, foreign: record.foreignRequests }).toEqual({ faults: [], foreign: [] });
}, 120_000);

test("doctor at the centre says whether the site is heard", async () => {
  const doctor = async () => {
    const env = {
      ...process.env,
      SIGHTLINE_RESULTS_HTTP: consoleAt,
      SIGHTLINE_NATS_URL: nats.centre.connection.getServer(),
    };
    const { stdout } = spawnSync(join(projectRoot, "sightline"), ["doctor", "--json"], {
      env,
      encoding: "utf8",
    });
    const { findings } = JSON.parse(stdout) as {
      findings: { name: string; state: string; detail: string }[];
    };
    return findings.find(({ name }) => name === "site north");
  };
  await expect.poll(doctor, patience).toMatchObject({ state: "ok", detail: "everything has arrived" });
  link.cut();
  await expect
    .poll(doctor, patience)
    .toMatchObject({ state: "warning", detail: expect.stringContaining("has not been heard for") });
}, 90_000);
