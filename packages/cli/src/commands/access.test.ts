import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { projectRoot } from "@sightline/stack";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type CommandOutcome, ResultsProcess, runCommands } from "../testing/command-line.ts";

let results: ResultsProcess;
let directory: string;
const file = (name: string) => join(directory, name);

beforeAll(async () => {
  results = await ResultsProcess.start();
  directory = mkdtempSync(join(tmpdir(), "sightline-access-"));
  for (const [name, text] of Object.entries({
    root: "correct horse",
    vera: "battery staple",
    wrong: "no such thing",
  }))
    writeFileSync(file(name), `${text}\n`, { mode: 0o600 });
});
afterAll(async () => {
  await results?.stop();
  rmSync(directory, { recursive: true, force: true });
});

function run(commands: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<CommandOutcome[]> {
  return runCommands(
    commands.map((line) => line.replaceAll("@", `${directory}/`).split(" ")),
    { SIGHTLINE_GRPC: results.address, XDG_CONFIG_HOME: directory, ...env },
  );
}

test("the first user closes the door; who has logged in makes users and tokens, until logging out", async () => {
  const [added, closed, wrong, loggedIn, vera, users, updated, token, listed, json] = await run([
    "user add root --role admin --password-file @root",
    "user list",
    "login root --password-file @wrong",
    "login root --password-file @root",
    "user add vera --role viewer --cameras yard-*,front --password-file @vera",
    "user list",
    "user update vera --cameras front",
    "token add backup --role viewer --expires 90d",
    "token list",
    "token list --json",
  ]);
  expect(added).toMatchObject({ code: 0, stdout: expect.stringContaining("root is there now") });
  expect(closed).toMatchObject({ code: 1, stderr: expect.stringContaining("sightline login") });
  expect(wrong).toMatchObject({ code: 1, stderr: expect.stringMatching(/user|password/) });
  expect(loggedIn).toMatchObject({ code: 0, stdout: expect.stringContaining("logged in as root") });
  expect(statSync(join(directory, "sightline/tokens.json")).mode & 0o777).toBe(0o600);
  expect(vera!.code).toBe(0);
  expect(users!.stdout).toMatch(/root +admin[\s\S]*vera +viewer +yard-\*, ?front/);
  expect(updated!.stdout).toContain("vera is viewer of front now");
  const secret = /slt_[\w-]+/.exec(token!.stdout)?.[0];
  expect(secret).toBeDefined();
  expect(listed!.stdout).toContain("backup");
  expect(listed!.stdout).not.toContain(secret);

  // Results that starts again knows the users, the login and the token still.
  await results.down();
  await results.up();
  const [again] = await run(["camera list --json"], { SIGHTLINE_TOKEN: secret });
  expect(again).toMatchObject({ code: 0, stderr: "", stdout: "[]\n" });
  const { id } = JSON.parse(json!.stdout).find(({ name }: { name: string }) => name === "backup");
  const [revoked, password, removed, out, after] = await run([
    `token revoke ${id}`,
    "user password vera --password-file @root",
    "user remove vera",
    "logout",
    "user list",
  ]);
  expect(revoked!.stdout).toContain("is revoked");
  expect(password!.stdout).toContain("the password of vera is set");
  expect(removed!.stdout).toBe("vera is removed\n");
  expect(out!.stdout).toContain("logged out");
  expect(readFileSync(join(directory, "sightline/tokens.json"), "utf8")).not.toContain("slt_");
  expect(after!.code).toBe(1);
  const [denied] = await run(["camera list"], { SIGHTLINE_TOKEN: secret });
  expect(denied).toMatchObject({ code: 1, stdout: "" });
});

test("results that can be reached from the network does not start without users, and says what to do", async () => {
  const other = await ResultsProcess.start();
  await other.down();
  const main = join(projectRoot, "services/results/src/main.ts");
  const child = spawn(process.execPath, ["--disable-warning=ExperimentalWarning", main], {
    env: {
      ...process.env,
      SIGHTLINE_NATS_URL: other.nats.url,
      SIGHTLINE_GRPC: "0.0.0.0:0",
      SIGHTLINE_RESULTS_HTTP: "127.0.0.1:0",
    },
    stdio: ["ignore", "ignore", "pipe"],
  });
  let said = "";
  child.stderr.on("data", (data) => (said += data));
  const [code] = await once(child, "close");
  await other.stop();
  expect(code).toBe(2);
  expect(said).toContain("there is no user, and 0.0.0.0:0 can be reached from the network");
  expect(said).toContain("SIGHTLINE_ADMIN_PASSWORD_FILE");
});
