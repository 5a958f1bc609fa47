import { execFileSync } from "node:child_process";
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { chooseDecoding } from "./choose-decoding.ts";
import { type DecodingMachine, decodingMachine, ffmpegAbilities } from "./decoding-machine.ts";
import { decodingInput, deinterlaceFilters, downloadFilters } from "./hardware-arguments.ts";

const all: DecodingMachine = {
  hwaccels: new Set(["cuda", "vaapi"]),
  filters: new Set([
    ...["scale_cuda", "bwdif_cuda", "yadif_cuda"],
    ...["scale_vaapi", "deinterlace_vaapi", "hwdownload"],
  ]),
  nvidia: true,
  renderNodes: ["/dev/dri/renderD128", "/dev/dri/renderD129"],
};
const bare: DecodingMachine = { ...all, nvidia: false, renderNodes: [] };
const h264 = { codec: "H264", interlaced: false };

test("auto takes CUDA, then VA-API, then software, and says why not the one before", () => {
  expect(chooseDecoding("auto", h264, all)).toEqual({ decoder: "cuda", note: "" });
  expect(chooseDecoding("auto", h264, { ...all, nvidia: false })).toEqual({
    decoder: "vaapi",
    device: "/dev/dri/renderD128",
    note: "CUDA: no NVIDIA GPU here (/dev/nvidia0)",
  });
  const { decoder, note } = chooseDecoding("auto", h264, bare);
  expect(decoder).toBe("software");
  expect(note).toMatch(/^CUDA: no NVIDIA GPU.*; VA-API: no GPU/);
});

test("a codec that the hardware does not take, and an ffmpeg without it, are said", () => {
  expect(chooseDecoding("auto", { ...h264, codec: "JPEG" }, all)).toMatchObject({
    decoder: "vaapi",
    note: "CUDA: it is not used for jpeg",
  });
  const plain = { ...all, hwaccels: new Set<string>(), filters: new Set<string>() };
  expect(chooseDecoding("cuda", h264, plain).note).toBe(
    "CUDA: this ffmpeg was built without it (-hwaccel cuda)",
  );
});

test("one asked for by name is tried without a device file, and gives way to software alone", () => {
  expect(chooseDecoding("cuda", h264, bare).decoder).toBe("cuda");
  const failures = new Map([["cuda", "ffmpeg failed: no driver"]] as const);
  expect(chooseDecoding("cuda", { ...h264, failures }, all)).toEqual({
    decoder: "software",
    note: "CUDA: ffmpeg failed: no driver",
  });
  expect(chooseDecoding("auto", { ...h264, failures }, all).decoder).toBe("vaapi");
  expect(chooseDecoding("software", h264, all)).toEqual({ decoder: "software", note: "" });
});

test("fields are made whole on the GPU, by the best filter that ffmpeg has", () => {
  const fields = { ...h264, interlaced: true };
  const filters = (machine: DecodingMachine, choice: "cuda" | "vaapi") =>
    deinterlaceFilters(chooseDecoding(choice, fields, machine), true);
  expect(filters(all, "cuda")).toEqual(["bwdif_cuda=mode=send_frame:deint=interlaced"]);
  expect(filters(all, "vaapi")).toEqual(["deinterlace_vaapi=rate=frame:auto=1"]);
  const old = { ...all, filters: new Set([...all.filters].filter((name) => name !== "bwdif_cuda")) };
  expect(filters(old, "cuda")).toEqual(["yadif_cuda=mode=send_frame:deint=interlaced"]);
  const none = { ...all, filters: new Set(["scale_cuda", "hwdownload"]) };
  expect(chooseDecoding("cuda", fields, none)).toMatchObject({
    decoder: "software",
    note: expect.stringContaining("interlaced"),
  });
  expect(deinterlaceFilters({ decoder: "software", note: "" }, true)).toEqual([
    "bwdif=mode=send_frame:deint=interlaced",
  ]);
});

test("pictures are scaled on the GPU before they are downloaded", () => {
  const size = { width: "640", height: "360" };
  const cuda = chooseDecoding("cuda", h264, all);
  expect(decodingInput(cuda).join(" ")).toBe("-hwaccel cuda -hwaccel_output_format cuda -extra_hw_frames 4");
  expect(downloadFilters(cuda, size).join()).toBe(
    "scale_cuda=w='640':h='360':format=yuv444p:interp_algo=bilinear,hwdownload,format=yuv444p,setsar=1",
  );
  const vaapi = chooseDecoding("vaapi", h264, all);
  expect(decodingInput(vaapi).join(" ")).toBe(
    "-hwaccel vaapi -hwaccel_output_format vaapi -hwaccel_device /dev/dri/renderD128 -extra_hw_frames 4",
  );
  expect(downloadFilters(vaapi, size).join()).toBe(
    "scale_vaapi=w='640':h='360':format=nv12,hwdownload,format=nv12,setsar=1",
  );
  const software = chooseDecoding("software", h264, all);
  expect([...decodingInput(software), ...downloadFilters(software, size)]).toEqual([]);
});

test("ffmpeg is asked once for what it can do; one that is not there can do nothing", async () => {
  const folder = mkdtempSync(join(tmpdir(), "abilities-"));
  try {
    const ffmpeg = process.env.FFMPEG_PATH || "ffmpeg";
    const counting = join(folder, "ffmpeg");
    const calls = join(folder, "calls");
    writeFileSync(counting, `#!/bin/sh\necho x >> ${calls}\nexec ${ffmpeg} "$@"\n`);
    chmodSync(counting, 0o755);
    const [first, second] = await Promise.all([ffmpegAbilities(counting), ffmpegAbilities(counting)]);
    expect(second).toBe(first);
    expect(readFileSync(calls, "utf8")).toBe("x\nx\n");
    const said = execFileSync(ffmpeg, ["-hide_banner", "-hwaccels"], { encoding: "utf8" });
    expect([...first.hwaccels].sort()).toEqual(said.trim().split("\n").slice(1).sort());
    for (const name of ["scale", "bwdif", "hwdownload", "overlay"]) expect(first.filters).toContain(name);
    const absent = await ffmpegAbilities(join(folder, "nowhere"));
    expect(chooseDecoding("auto", h264, decodingMachine(absent))).toMatchObject({
      decoder: "software",
      note: expect.stringContaining("built without"),
    });
  } finally {
    rmSync(folder, { recursive: true });
  }
});
