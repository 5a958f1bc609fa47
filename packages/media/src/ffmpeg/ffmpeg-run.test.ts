import { execFile } from "node:child_process";
import { buffer } from "node:stream/consumers";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { FfmpegRun, piecesOf, runFfmpeg } from "./ffmpeg-run.ts";

const ffmpeg = process.env.FFMPEG_PATH ?? "ffmpeg";
const quiet = ["-nostdin", "-v", "error"];
const grey = (frames: number) => ["-f", "lavfi", "-i", `color=gray:s=4x2:r=5:d=${frames / 5}`];
const raw = ["-f", "rawvideo", "-pix_fmt", "gray", "pipe:1"];

test("gives what ffmpeg writes, which is cut into pictures", async () => {
  const run = new FfmpegRun(ffmpeg, [...quiet, ...grey(3), ...raw], { pipes: ["stdout"] });
  const pictures: number[] = [];
  for await (const { length } of piecesOf(run.stdout, 8)) pictures.push(length);
  expect(pictures).toEqual([8, 8, 8]);
  expect(await run.ended).toEqual({ code: 0, words: "", notRun: undefined });
});

test("takes input, and gives more output by a third pipe", async () => {
  const args = [...quiet, "-f", "rawvideo", "-pix_fmt", "gray", "-s", "4x2", "-i", "pipe:0"];
  const pipes = ["stdin", "stdout", "extra"] as const;
  const run = new FfmpegRun(ffmpeg, [...args, ...raw, "-f", "framecrc", "pipe:3"], { pipes });
  run.stdin.end(Buffer.alloc(16));
  const [pictures, list] = await Promise.all([buffer(run.stdout), buffer(run.extra)]);
  expect(pictures).toHaveLength(16);
  expect(list.toString()).toMatch(/^0,.*\n0,.*\n/m);
});

test("one that fails has its words, and one that cannot be started says why", async () => {
  const wrong = [...quiet, "-i", "/nothing/here.mp4", ...raw];
  expect(await new FfmpegRun(ffmpeg, wrong).ended).toMatchObject({
    code: expect.any(Number),
    words: expect.stringContaining("No such file"),
  });
  await expect(runFfmpeg(ffmpeg, wrong)).rejects.toMatchObject({
    code: "ffmpeg_failed",
    message: expect.stringContaining("No such file"),
  });
  for (const memoryMib of [0, 1_000]) {
    const missing = { path: "/nothing/ffmpeg", memoryMib };
    expect((await new FfmpegRun(missing, [], { pipes: ["stdout"] }).output()).notRun).toBeInstanceOf(Error);
    await expect(runFfmpeg(missing, [])).rejects.toMatchObject({ code: "ffmpeg_not_started" });
  }
});

test("one that would go on for ever ends with its signal", async () => {
  const endless = [...quiet, "-re", "-f", "lavfi", "-i", "color=gray", "-f", "null", "-"];
  const aborted = new AbortController();
  const running = runFfmpeg(ffmpeg, endless, { signal: aborted.signal });
  aborted.abort(new Error("enough"));
  await expect(running).rejects.toThrow("enough");
  await expect(runFfmpeg(ffmpeg, endless, { signal: AbortSignal.timeout(50) })).rejects.toThrow(/timeout/);
});

test("where there are no file descriptors left, it says so and the process goes on", async () => {
  const program = `
    import { openSync } from "node:fs";
    import { FfmpegRun } from ${JSON.stringify(import.meta.resolve("./ffmpeg-run.ts"))};
    try { for (;;) openSync("/dev/null"); } catch {}
    const run = new FfmpegRun("ffmpeg", [], { pipes: ["stdin", "stdout", "extra"] });
    run.stdin.end("input");
    const [{ data, notRun }, extra] = await Promise.all([run.output(), run.extra.toArray()]);
    console.log(data.length, extra.length, notRun.code);`;
  const limited = [
    "-c",
    'ulimit -n 64; exec "$@"',
    "sh",
    process.execPath,
    "--input-type=module",
    "-e",
    program,
  ];
  expect((await promisify(execFile)("/bin/sh", limited)).stdout.trim()).toBe("0 0 EMFILE");
});
