/** Against a real HTTP server that cuts, redirects, forgets ranges, changes its file and lies about it. */
import { createHash } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, readdir, readFile, rm, stat } from "node:fs/promises";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, expect, test, vi } from "vitest";
import { downloadFile } from "./download.ts";

const body = Buffer.from(Uint8Array.from({ length: 300_000 }, (_, i) => (i * 7919) >> 3));
const sha256 = (data: Uint8Array) => createHash("sha256").update(data).digest("hex");
const signal = new AbortController().signal;

let server: Server;
let url: string;
let answer: (request: IncomingMessage, response: ServerResponse) => void;
let ranges: (string | undefined)[];
let folder: string;
let target: string;

beforeAll(async () => {
  server = createServer((request, response) => {
    ranges.push(request.headers.range);
    answer(request, response);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/model.onnx`;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});
beforeEach(async () => {
  ranges = [];
  folder = await mkdtemp(join(tmpdir(), "download-"));
  target = join(folder, "new", "model.onnx");
  return () => rm(folder, { recursive: true });
});

const fetchIt = (digest: string | undefined = sha256(body)) =>
  downloadFile(url, target, { sha256: digest, signal, pauseMs: 1 });

/** What a server of files answers, as RFC 9110 says; cut after so many bytes. */
function send(
  request: IncomingMessage,
  response: ServerResponse,
  data: Buffer,
  cut?: number,
  etag = '"1"',
): void {
  const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? "")?.[1] ?? 0);
  const same = from > 0 && request.headers["if-range"] === etag;
  const rest = same ? data.subarray(from) : data;
  response.writeHead(same ? 206 : 200, { "content-length": rest.length, etag });
  if (cut === undefined) response.end(rest);
  else {
    const wanted = data.length - rest.length + cut;
    response.write(rest.subarray(0, cut));
    // What a client has not read when the connection breaks is lost to it.
    void vi
      .waitFor(async () => expect((await stat(`${target}.part`)).size).toBe(wanted), {
        timeout: 30_000,
        interval: 5,
      })
      .finally(() => request.socket.destroy());
  }
}

test("a redirect is followed, and the file is whole", async () => {
  answer = (request, response) => {
    if (request.url === "/elsewhere") send(request, response, body);
    else response.writeHead(302, { location: "/elsewhere" }).end();
  };
  expect(await fetchIt()).toBe(sha256(body));
  expect(await readFile(target)).toEqual(body);
  expect(await readdir(join(folder, "new"))).toEqual(["model.onnx"]);
});

test("cut connections are gone on with where they were cut, as long as each try brings something", async () => {
  answer = (request, response) => send(request, response, body, ranges.length < 7 ? 45_000 : undefined);
  expect(await fetchIt()).toBe(sha256(body));
  expect([ranges.length, ranges[0]]).toEqual([7, undefined]);
  expect(ranges.slice(1).every((range) => /^bytes=[1-9]/.test(range ?? ""))).toBe(true);
});

test("a server without ranges, or with another file by now, sends it from the beginning", async () => {
  answer = (request, response) => {
    if (ranges.length === 1) send(request, response, Buffer.alloc(200_000), 100_000, '"old"');
    else send(request, response, body, undefined, '"new"');
  };
  expect(await fetchIt()).toBe(sha256(body));
});

test("a file with another digest is removed, and both digests are told", async () => {
  answer = (request, response) => send(request, response, body);
  const other = "0".repeat(64);
  await expect(fetchIt(other)).rejects.toThrow(new RegExp(`${sha256(body)} and not ${other}`));
  expect(await readdir(join(folder, "new"))).toEqual([]);
});

test("a missing file is told at once, a server in trouble is asked again and then given up", async () => {
  answer = (_, response) => response.writeHead(404).end();
  await expect(fetchIt()).rejects.toThrow(/is not there: the server answers 404/);
  expect(ranges).toHaveLength(1);
  answer = (_, response) => response.writeHead(503).end();
  await expect(fetchIt()).rejects.toMatchObject({ code: "no_answer" });
  expect(ranges).toHaveLength(5);
});

test("a file that the disk has no room for is not begun", async () => {
  answer = (_, response) => {
    response.writeHead(200, { "content-length": 2 ** 50, etag: '"1"' });
    response.write("x");
  };
  await expect(fetchIt()).rejects.toThrow(/no room .* 1125\d+ MB are needed and \d+ MB are free/);
  expect(await readdir(join(folder, "new"))).toEqual([]);
});

test("an abort leaves what came, and the next call goes on", async () => {
  const abort = new AbortController();
  answer = (request, response) => {
    if (ranges.length > 1) return send(request, response, body);
    response.writeHead(200, { "content-length": body.length, etag: '"1"' });
    response.write(body.subarray(0, 100_000));
  };
  const onProgress = (bytes: number) => {
    if (bytes === 100_000) abort.abort(new Error("interrupted"));
  };
  const begun = downloadFile(url, target, { sha256: undefined, signal: abort.signal, onProgress });
  await expect(begun).rejects.toThrow(/interrupted/);
  expect(await fetchIt()).toBe(sha256(body));
  expect(ranges[1]).toBe("bytes=100000-");
});
