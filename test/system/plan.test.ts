import { execFile } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { projectRoot } from "@sightline/stack";
import { expect, test } from "vitest";

function sightline(args: string[], env: NodeJS.ProcessEnv = {}) {
  return new Promise<{ code: number; stdout: string; stderr: string }>((resolve) => {
    execFile(
      join(projectRoot, "sightline"),
      args,
      { env: { ...process.env, ...env } },
      (error, stdout, stderr) => resolve({ code: error ? Number(error.code) : 0, stdout, stderr }),
    );
  });
}

test("tells what cameras and frames cost, what fits, and how far off that was; and leaves nothing behind", async () => {
  const temporary = mkdtempSync(join(tmpdir(), "sightline-plans-"));
  const args = ["plan", "--cameras", "2", "--fps", "2", "--size", "320x240", "--check", "--json"];
  const { code, stdout } = await sightline(args, { TMPDIR: temporary });
  expect(code).toBe(0);
  const { source, costs, plan, observations, checked } = JSON.parse(stdout);
  expect(source).toMatchObject({ width: 320, height: 240, codec: "h264", model: "yolo-nas-pedestrians" });
  expect(costs.cores).toBeGreaterThan(0);
  for (const cost of [costs.perFrame.inference, costs.perFrame.transport, costs.cameraFps])
    expect(cost).toBeGreaterThan(0);
  expect(costs.perCamera + costs.perFrame.ingest).toBeGreaterThan(0);
  expect(observations[0].cameras).toBe(2);
  expect(plan.askedFps).toBe(4);
  expect(plan.remedy.cores).toBeGreaterThan(0);
  expect(checked).toMatchObject({ cameras: 2 });
  expect(checked.inferredFps).toBeGreaterThan(0);
  expect(readdirSync(temporary)).toEqual([]);
  rmSync(temporary, { recursive: true });
});

test("says what cannot be planned before it starts anything", async () => {
  const refused = async (...more: string[]) => {
    const { code, stderr } = await sightline(["plan", "--cameras", "100", "--fps", "2", ...more]);
    expect(code).not.toBe(0);
    return stderr;
  };
  expect(await refused("--check")).toContain("64 cameras at most");
  expect(await refused("--size", "large")).toContain("WIDTHxHEIGHT");
  expect(await refused("--size", "640x480", "--camera", "rtsp://camera.lan/1")).toContain("a real camera");
});
