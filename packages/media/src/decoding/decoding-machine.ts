import { readdirSync } from "node:fs";
import { runFfmpeg } from "../ffmpeg/ffmpeg-run.ts";

const askedMs = 10_000;

/** What an ffmpeg build supports. */
export interface FfmpegAbilities {
  readonly hwaccels: ReadonlySet<string>;
  readonly filters: ReadonlySet<string>;
}

/** Everything that decides which decoder a machine can use. */
export interface DecodingMachine extends FfmpegAbilities {
  /** Whether the NVIDIA driver's device files exist. */
  readonly nvidia: boolean;
  /** GPUs for VA-API, such as /dev/dri/renderD128. */
  readonly renderNodes: readonly string[];
}

const asked = new Map<string, Promise<FfmpegAbilities>>();

/** What this ffmpeg supports; it is asked once per process. An ffmpeg that cannot be run supports nothing. */
export function ffmpegAbilities(ffmpeg: string): Promise<FfmpegAbilities> {
  let abilities = asked.get(ffmpeg);
  if (!abilities) {
    abilities = ask(ffmpeg);
    asked.set(ffmpeg, abilities);
  }
  return abilities;
}

async function ask(ffmpeg: string): Promise<FfmpegAbilities> {
  const [hwaccels, filters] = await Promise.all([words(ffmpeg, "-hwaccels"), words(ffmpeg, "-filters")]);
  return {
    hwaccels: new Set(hwaccels.match(/^\w+$/gm)),
    filters: new Set(
      Array.from(filters.matchAll(/^ [T.][S.][C.]? +(\w+) +\S+->\S+ /gm), ([, name]) => name!),
    ),
  };
}

async function words(ffmpeg: string, option: string): Promise<string> {
  try {
    const signal = AbortSignal.timeout(askedMs);
    return (await runFfmpeg(ffmpeg, ["-hide_banner", option], { signal })).toString();
  } catch {
    return "";
  }
}

/** The machine's current state: devices are checked each time, since drivers come and go. */
export function decodingMachine(abilities: FfmpegAbilities): DecodingMachine {
  return {
    ...abilities,
    nvidia: names("/dev").some((name) => /^nvidia\d+$/.test(name)),
    renderNodes: names("/dev/dri")
      .filter((name) => name.startsWith("renderD"))
      .sort()
      .map((name) => `/dev/dri/${name}`),
  };
}

function names(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
