import { spawnSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { FrameHandle } from "@sightline/contracts";
import { afterAll, afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { ArenaUnavailableError } from "./arena-file.ts";
import { ArenaReaders } from "./arena-readers.ts";
import { beatMs, DeadArenas } from "./dead-arenas.ts";
import { FrameArena, slotBytes } from "./frame-arena.ts";

const noBound = Number.MAX_SAFE_INTEGER;
const frameBytes = 3 * 4096;
let directory: string;
let folder: string;
let arena: FrameArena;
let readers: ArenaReaders;

beforeEach(() => {
  directory = mkdtempSync("/dev/shm/sightline-test-");
  folder = join(directory, `sightline-${process.getuid?.()}`);
  arena = new FrameArena(directory);
  readers = new ArenaReaders(directory);
});

afterEach(async () => {
  await readers.stop();
  await arena.stop();
  rmSync(directory, { recursive: true });
});

const pixels = (value: number, bytes = frameBytes) => new Uint8Array(bytes).fill(value);

function put(value: number, bytes?: number): FrameHandle {
  const handle = arena.put(pixels(value, bytes), noBound);
  if (typeof handle === "string") throw new Error(handle);
  return handle;
}

/** What a read ends with, and what is in its place. */
function read(handle: FrameHandle) {
  const target = new Uint8Array(new SharedArrayBuffer(handle.bytes));
  return new Promise<{ failure: string | undefined; target: Uint8Array }>((resolve) =>
    readers.read(handle, target, (failure) => resolve({ failure, target })),
  );
}

describe("an arena", () => {
  test("gives many readers at a time the frames that were put into it, byte for byte", async () => {
    readers.discover(arena.id);
    const handles = [1, 2, 3, 4, 5].map((value) => put(value, frameBytes + value));
    const found = await Promise.all(handles.map(read));
    for (const [i, { failure, target }] of found.entries()) {
      expect(failure).toBeUndefined();
      expect(target).toEqual(pixels(i + 1, frameBytes + i + 1));
    }
  });

  test("is private to its user, and gone when it is stopped, also for who has it open", async () => {
    readers.discover(arena.id);
    const handle = put(1);
    expect(statSync(folder).mode & 0o777).toBe(0o700);
    expect(statSync(join(folder, arena.id)).mode & 0o777).toBe(0o600);
    await arena.stop();
    expect(readdirSync(folder)).toEqual([]);
    expect((await read(handle)).failure).toBe("torn");
    expect(readers.readable).toBe("");
    expect((await read(handle)).failure).toBe("failed");
  });

  test("a frame whose slot was freed, or used again by frames of any size, is not read", async () => {
    readers.discover(arena.id);
    const old = put(1);
    arena.free(old);
    expect((await read(old)).failure).toBe("torn");
    for (const bytes of [frameBytes, 4096, 100]) {
      const next = put(2, bytes);
      expect(next.offset).toBe(old.offset);
      expect((await read(old)).failure).toBe("torn");
      expect(await read(next)).toEqual({ failure: undefined, target: pixels(2, bytes) });
      arena.free(next);
    }
  });

  test("readers of slots that are used again and again see whole frames or none", async () => {
    readers.discover(arena.id);
    let torn = 0;
    let whole = 0;
    for (let round = 0; round < 100; round++) {
      const handle = put(round % 251, 32 * 4096);
      const reading = [read(handle), read(handle)];
      if (round % 2 === 1) await new Promise(setImmediate);
      arena.free(handle);
      arena.free(put(255, 32 * 4096));
      for (const { failure, target } of await Promise.all(reading)) {
        if (failure) torn++;
        else whole += Number(target.every((value) => value === round % 251));
      }
    }
    expect(torn + whole).toBe(200);
  });

  test("holds what its bound allows, and takes the lowest room", () => {
    const bound = 2 * slotBytes(frameBytes);
    const first = put(1);
    put(2);
    expect(arena.usedBytes).toBe(bound);
    expect(arena.put(pixels(3), bound)).toBe("full");
    arena.free(first);
    expect(arena.put(pixels(3), bound)).toMatchObject({ offset: 0 });
  });

  test("whose file someone has removed is made anew with its next sign of life", async () => {
    vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
    const removed = new FrameArena(directory);
    try {
      const { id } = removed;
      const old = removed.put(pixels(1), noBound) as FrameHandle;
      rmSync(join(folder, id));
      vi.advanceTimersByTime(beatMs);
      expect(removed.id).not.toBe(id);
      const next = removed.put(pixels(2), noBound) as FrameHandle;
      removed.free(old);
      readers.discover(removed.id);
      expect((await read(next)).failure).toBeUndefined();
    } finally {
      await removed.stop();
      vi.useRealTimers();
    }
    expect(readdirSync(folder)).toEqual([arena.id]);
    expect(removed.put(pixels(1), noBound)).toBe("no_space");
  });
});

describe("when someone meddles with the folder", () => {
  test("what a link in an arena's place leads to is not touched", async () => {
    const other = join(directory, "other");
    writeFileSync(other, "precious");
    const linked = new FrameArena(directory);
    rmSync(join(folder, linked.id));
    symlinkSync(other, join(folder, linked.id));
    await linked.stop();
    expect(readFileSync(other, "utf8")).toBe("precious");
    expect(readdirSync(folder)).toEqual([arena.id]);
  });

  const small = mkdtempSync(join(tmpdir(), "sightline-small-"));
  const mounted = spawnSync("mount", ["-t", "tmpfs", "-o", "size=64k", "tmpfs", small]).status === 0;
  afterAll(() => {
    if (mounted) spawnSync("umount", [small]);
    rmSync(small, { recursive: true });
  });

  test.runIf(mounted)(
    "a slot that cannot be wiped, as its file was emptied and others filled the tmpfs, is not used again",
    async () => {
      const emptied = new FrameArena(small);
      const handle = emptied.put(pixels(1), noBound) as FrameHandle;
      truncateSync(join(small, `sightline-${process.getuid?.()}`, emptied.id));
      expect(() => writeFileSync(join(small, "full"), pixels(0, 128 * 1024))).toThrow("ENOSPC");
      emptied.free(handle);
      expect(emptied.id).toBe("");
      expect(emptied.put(pixels(2), noBound)).toBe("no_space");
      await emptied.stop();
    },
  );
});

describe("a worker", () => {
  test("cannot read an arena of another host, nor a file that is none", async () => {
    readers.discover("0123456789abcdef-1-2-3");
    writeFileSync(join(directory, "secret"), "secret");
    readers.discover("../secret");
    expect(readers.readable).toBe("");
  });
});

describe("where there is no shared memory", () => {
  test.each([
    ["the directory is missing", () => join(directory, "missing")],
    ["it is not in memory", () => "/proc"],
    [
      "others may look into the folder",
      () => {
        chmodSync(folder, 0o755);
        return directory;
      },
    ],
    [
      "a file stands in the folder's place",
      () => {
        const other = join(directory, "other");
        mkdirSync(other);
        writeFileSync(join(other, `sightline-${process.getuid?.()}`), "");
        return other;
      },
    ],
  ])("says so: %s", (_, make) => {
    expect(() => new FrameArena(make())).toThrow(ArenaUnavailableError);
  });
});

describe("arenas of dead processes", () => {
  test("are removed at once where the process can be looked up, and a living one's are left", async () => {
    const [key, namespace] = arena.id.split("-");
    // A process that has ended, and one whose PID another process has now.
    const ended = spawnSync("true").pid;
    const dead = [`${key}-${namespace}-${ended}-1`, `${key}-${namespace}-${process.pid}-1`];
    for (const name of [...dead, "not-an-arena"]) writeFileSync(join(folder, name), "");
    await new DeadArenas(directory).stop();
    expect(readdirSync(folder).sort()).toEqual([arena.id, "not-an-arena"].sort());
  });

  test("are removed after a long silence where it cannot, as in another container", async () => {
    const silent = join(folder, "0123456789abcdef-7-1-1");
    writeFileSync(silent, "");
    let now = 0;
    const arenas = new DeadArenas(directory, () => now);
    now = 29_000;
    arenas.remove();
    // A sign of life; the time it names does not matter.
    const beat = new Date(1_000);
    utimesSync(silent, beat, beat);
    now = 40_000;
    arenas.remove();
    now = 69_000;
    arenas.remove();
    expect(existsSync(silent)).toBe(true);
    now = 71_000;
    arenas.remove();
    expect(existsSync(silent)).toBe(false);
    await arenas.stop();
  });
});

/** So that a tmpfs can be mounted without being root; not in every container. */
const ownMounts = ["--user", "--map-root-user", "--mount"];
const canMount = spawnSync("unshare", [...ownMounts, "true"]).status === 0;

test.skipIf(!canMount)("a tmpfs that is full takes no frame, and takes them again when there is room", () => {
  const program = `
    import { FrameArena } from ${JSON.stringify(new URL("./frame-arena.ts", import.meta.url))};
    const arena = new FrameArena(".");
    const put = () => arena.put(new Uint8Array(400_000), Infinity);
    const first = put();
    const found = [typeof first, typeof put(), put(), arena.usedBytes < 1_000_000];
    arena.free(first);
    console.log(JSON.stringify([...found, typeof put()]));
    await arena.stop();
  `;
  const script = `mount -t tmpfs -o size=1m,mode=0700 tmpfs "$1" && cd "$1" && exec "$2" --input-type=module -e "$3"`;
  const words = ["sh", "-c", script, "sh", directory, process.execPath, program];
  const { stdout, stderr } = spawnSync("unshare", [...ownMounts, ...words], {
    encoding: "utf8",
    env: { ...process.env, NODE_OPTIONS: "--disable-warning=ExperimentalWarning" },
  });
  expect(stderr).toBe("");
  expect(JSON.parse(stdout)).toEqual(["object", "object", "no_space", true, "object"]);
});

test("without an arena nothing is shared, and nothing breaks", async () => {
  await new DeadArenas(join(tmpdir(), "missing")).stop();
});
