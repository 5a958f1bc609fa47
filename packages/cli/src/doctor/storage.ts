import { existsSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { type HttpSystem, snapshotStore, streams } from "@sightline/contracts";
import {
  byteText,
  type DiskRoom,
  diskRoom,
  diskText,
  faultText,
  isDiskFull,
  loadConfig,
  storeLimit,
  streamLimitSettings,
  streamLimits,
} from "@sightline/service";
import { portsFromEnvironment, sizeOf, standardPorts } from "@sightline/stack";
import type { Finding } from "./finding.ts";
import { runningSystem } from "./running-system.ts";

const mebibyte = 1024 ** 2;
/** The smallest allowed limit. */
const smallestLimit = 16 * mebibyte;
const nearlyFullShare = 0.05;

type Limits = Record<keyof typeof streamLimitSettings, number>;

/**
 * The disk under NATS, the streams that NATS cannot write or read, and whether their limits fit on the disk: from the running system, or
 * else from the directory and settings that `up` would use here.
 */
export async function checkStorage(): Promise<Finding[]> {
  const system = await runningSystem();
  return system ? checkRunning(system) : checkStopped();
}

function checkRunning({ storage: { disk, faults }, streams: known }: HttpSystem): Finding[] {
  const held = known.reduce((sum, { bytes }) => sum + bytes, 0);
  const most = known.reduce((sum, { maxBytes }) => sum + maxBytes, 0);
  const unseen: Finding = {
    name: "disk of NATS",
    state: "absent",
    detail: `JetStream holds ${byteText(held)}; results does not see its disk: set SIGHTLINE_NATS_STORE_DIR to NATS's directory there`,
  };
  const findings = faults.map(
    (fault): Finding => ({
      name: `stream ${fault.stream}`,
      state: "missing",
      detail: faultText({ ...fault, code: fault.code ?? undefined, since: Date.parse(fault.sinceTime) }),
      fix: faultFix(disk),
    }),
  );
  if (!disk) return [unseen, ...findings];
  const limitOf = (name: string) => known.find((stream) => stream.name === name)?.maxBytes ?? 0;
  const limits = {
    maxBytes: limitOf(streams.timeline),
    eventsMaxBytes: limitOf(streams.events),
    snapshotsMaxBytes: limitOf(`OBJ_${snapshotStore}`),
    auditMaxBytes: limitOf(streams.audit),
  };
  const limited = checkLimits(most, limits, storeLimit(held, disk.freeBytes), "warning");
  return [checkDisk(disk), ...findings, ...limited];
}

async function checkStopped(): Promise<Finding[]> {
  const given = process.env.SIGHTLINE_NATS_STORE_DIR;
  if (!given && !startsNatsHere()) return [];
  const directory = resolve(given || join(".sightline", "nats"));
  let present = directory;
  while (!existsSync(present)) present = dirname(present);
  const room = await diskRoom(present);
  if (!room) return [];
  let limits: Limits;
  try {
    limits = loadConfig(streamLimitSettings);
  } catch (error) {
    const detail = (error as Error).message.replaceAll(/\s*\n\s*/g, " ");
    return [checkDisk(room), { name: "limits of the streams", state: "missing", detail }];
  }
  const held = present === directory ? heldIn(directory) : 0;
  const most = Object.values(streamLimits(limits)).reduce((sum, bytes) => sum + bytes, 0);
  return [checkDisk(room), ...checkLimits(most, limits, storeLimit(held, room.freeBytes), "missing")];
}

/** Invalid settings are reported with the ports. */
function startsNatsHere(): boolean {
  try {
    portsFromEnvironment(standardPorts);
    return true;
  } catch {
    return false;
  }
}

function heldIn(directory: string): number {
  try {
    return sizeOf(directory);
  } catch {
    return 0;
  }
}

function checkDisk(room: DiskRoom): Finding {
  const name = "disk of NATS";
  const detail = diskText(room);
  const fix = showsWhatFills(room.directory);
  if (isDiskFull(room))
    return { name, state: "missing", detail: `${detail}: it is full, and NATS may not store`, fix };
  if (room.freeBytes < nearlyFullShare * room.sizeBytes)
    return { name, state: "warning", detail: `${detail}: it is nearly full`, fix };
  return { name, state: "ok", detail };
}

function checkLimits(most: number, limits: Limits, room: number, state: Finding["state"]): Finding[] {
  if (most === 0) return [];
  const name = "limits of the streams";
  if (most <= room) return [{ name, state: "ok", detail: `${byteText(most)} in all, which fit` }];
  const detail = `the streams may take ${byteText(most)}, and NATS has ${byteText(room)} for them; results does not start when they do not fit`;
  return [{ name, state, detail, fix: lowersLimits(most, limits, room) }];
}

/** Limits in the same proportion that fit, without changing small ones; undefined when the disk is too small for any. */
function lowersLimits(most: number, limits: Limits, room: number): string | undefined {
  const { deadLetters, audit } = streamLimits(limits);
  const small = deadLetters + audit;
  const share = (0.95 * room - small) / (most - small);
  const { auditMaxBytes: _, ...large } = streamLimitSettings;
  const lowered = Object.entries(large).map(([key, { env }]) => ({
    env,
    bytes: Math.floor((share * limits[key as keyof typeof large]) / mebibyte) * mebibyte,
  }));
  if (lowered.some(({ bytes }) => bytes < smallestLimit)) return undefined;
  const settings = lowered.map(({ env, bytes }) => `${env}=${bytes}`).join(" ");
  return `export ${settings}   # limits that fit; then start results, or ./sightline up, again`;
}

/** The command that shows why NATS cannot write or read a stream, or restarts NATS. */
export function faultFix(disk: DiskRoom | null): string | undefined {
  if (disk && isDiskFull(disk)) return showsWhatFills(disk.directory);
  const log = disk && join(dirname(disk.directory), "logs", "nats-server.log");
  if (log && existsSync(log))
    return `tail -n 20 ${quoted(log)}   # says why; ./sightline up restarts NATS by itself`;
  return "docker compose restart nats   # or restart NATS where it runs";
}

/** The command that shows the largest files on a directory's disk, if the disk is on this machine. */
function showsWhatFills(directory: string): string | undefined {
  if (!existsSync(directory)) return undefined;
  return `du -xah "$(stat -c %m ${quoted(directory)})" 2>/dev/null | sort -h | tail -n 20   # shows what fills the disk: remove what is not needed`;
}

function quoted(path: string): string {
  return `'${path.replaceAll("'", `'\\''`)}'`;
}
