import { execFile } from "node:child_process";
import { existsSync, globSync } from "node:fs";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";
import type { Finding } from "./finding.ts";

const run = promisify(execFile);

/** First line that a program prints; undefined when it cannot be run. */
async function firstLine(command: string, args: string[]): Promise<string | undefined> {
  try {
    const { stdout, stderr } = await run(command, args, { timeout: 10_000 });
    return (stdout || stderr).split("\n")[0]?.trim();
  } catch {
    return undefined;
  }
}

/** The first of these programs on the PATH. */
export function firstProgram(names: readonly string[]): string | undefined {
  const folders = (process.env.PATH ?? "").split(delimiter);
  return names.find((name) => folders.some((folder) => existsSync(join(folder, name))));
}

/** This process's Node. */
export function checkNode(): Finding {
  const major = Number(process.versions.node.split(".")[0]);
  const name = "node";
  return major >= 24
    ? { name, state: "ok", detail: process.version }
    : {
        name,
        state: "missing",
        detail: `${process.version}; 24 or later is needed`,
        fix: "./sightline --help",
      };
}

/** ffmpeg, which decodes the cameras. */
export async function checkFfmpeg(): Promise<Finding> {
  const command = process.env.FFMPEG_PATH || "ffmpeg";
  const version = await firstLine(command, ["-version"]);
  return version
    ? { name: "ffmpeg", state: "ok", detail: version.replace(/ Copyright.*/, "") }
    : {
        name: "ffmpeg",
        state: "missing",
        detail: `'${command}' cannot be run; it decodes the cameras`,
        fix: installServer("FFMPEG_PATH"),
      };
}

/** nats-server, which `up` and `demo` start. */
export async function checkNatsServer(): Promise<Finding> {
  const command = process.env.NATS_SERVER_PATH || "nats-server";
  const version = await firstLine(command, ["--version"]);
  const old = /v2\.(?:\d|10)\./.test(version ?? "") ? "; for a cluster take 2.11 or later" : "";
  return version
    ? { name: "nats-server", state: "ok", detail: `${version}${old}` }
    : {
        name: "nats-server",
        state: "missing",
        detail: `'${command}' cannot be run; up and demo start it`,
        fix: installServer("NATS_SERVER_PATH"),
      };
}

/** A variable that names a missing program hides the one that would be installed. */
function installServer(variable: string): string {
  const install = "deploy/system-packages.sh server";
  return process.env[variable] ? `unset ${variable} && ${install}` : install;
}

/** Installs what the demo's RTSP cameras need. */
export const cameraFix = "deploy/system-packages.sh camera";

/** What the demo's RTSP cameras need. */
export async function checkCameraPackages(): Promise<Finding> {
  const name = "RTSP camera for demo and tests";
  const bindings = await run("/usr/bin/python3", [
    "-c",
    'import gi; gi.require_version("GstRtspServer", "1.0")',
  ]).then(
    () => true,
    () => false,
  );
  const plugins = ["isomp4", "rtp", "videoparsersbad", "app"];
  const lacking = plugins.filter(
    (plugin) => globSync(`/usr/lib/*/gstreamer-1.0/libgst${plugin}.so`).filter(existsSync).length === 0,
  );
  if (bindings && lacking.length === 0)
    return { name, state: "ok", detail: "GStreamer's RTSP server and its plug-ins" };
  const what = [
    ...(bindings ? [] : ["the RTSP server's Python bindings"]),
    ...lacking.map((p) => `plug-in ${p}`),
  ];
  return {
    name,
    state: "absent",
    detail: `no demo cameras; lacking: ${what.join(", ")}`,
    fix: cameraFix,
  };
}

/** NVIDIA GPUs, found with the driver's own tool. */
export async function checkGpu(): Promise<Finding> {
  const line = await firstLine("nvidia-smi", [
    "--query-gpu=name,driver_version,memory.total",
    "--format=csv,noheader",
  ]);
  return line
    ? { name: "GPU", state: "ok", detail: line }
    : { name: "GPU", state: "absent", detail: "nvidia-smi cannot be run; inference uses the CPU" };
}
