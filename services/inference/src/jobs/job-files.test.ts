import { execFile } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { type KV, Kvm } from "@nats-io/kv";
import { connect, type NatsConnection } from "@nats-io/transport-node";
import { pieceBytes, pieceKey } from "@sightline/contracts";
import { NatsServer } from "@sightline/service/testing";
import { afterAll, beforeAll, expect, test } from "vitest";

const folder = mkdtempSync(join(tmpdir(), "sightline-files-"));
const bytes = pieceBytes + 300_000;
let server: NatsServer;
let connection: NatsConnection;

beforeAll(async () => {
  server = await NatsServer.start();
  connection = await connect({ servers: server.url });
  const files: KV = await new Kvm(connection).create("files");
  await files.put(pieceKey("a", "export", 0), new Uint8Array(pieceBytes));
  await files.put(pieceKey("a", "export", 1), new Uint8Array(bytes - pieceBytes));
});
afterAll(async () => {
  await connection?.close();
  await server?.stop();
  rmSync(folder, { recursive: true });
});

/** Fetches the file in a process that may write files of so many KiB, and says what came of it. */
async function fetched(mostKib: number): Promise<string> {
  const program = `
    import { Kvm } from "@nats-io/kv";
    import { connect } from "@nats-io/transport-node";
    import { fetchFile } from ${JSON.stringify(new URL("job-files.ts", import.meta.url).href)};
    const connection = await connect({ servers: ${JSON.stringify(server.url)} });
    const files = await new Kvm(connection).open("files");
    const place = ${JSON.stringify(join(folder, String(mostKib)))};
    const file = { name: "export", bytes: ${bytes} };
    await fetchFile(files, "a", file, place, new AbortController().signal).then(
      () => console.log("it is there"),
      (error) => console.log(error.code),
    );
    await connection.close();`;
  const node = [
    process.execPath,
    "--disable-warning=ExperimentalWarning",
    "--input-type=module",
    "-e",
    program,
  ];
  const { stdout } = await promisify(execFile)(
    "bash",
    ["-c", `ulimit -f ${mostKib}; exec "$@"`, "bash", ...node],
    { cwd: fileURLToPath(new URL("../..", import.meta.url)) },
  );
  return stdout.trim();
}

test("a place that takes only a part of a piece is told: what is cut short would pass for a broken file", async () => {
  // The second piece fits by about half; the system then writes that half, and says so.
  expect(await fetched(900)).toBe("EFBIG");
  expect(await fetched(2_000)).toBe("it is there");
});
