import { execFileSync, spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { projectRoot } from "@sightline/stack";

/**
 * The version that services of this one run beside, and whose messages they read. While nothing has been released it is a commit; from the first
 * release on, that of the last one (`record.ts` then makes what is kept of it anew).
 */
export const lastVersion = "661f3e76c370da2ef0f6423da140e808d8607500";

const git = (...args: string[]) => spawnSync("git", ["-C", projectRoot, ...args], { encoding: "utf8" });

/** Why the last version's code is not to be had, as in a clone without history; undefined when it is. */
export function whyNoLastVersion(): string | undefined {
  if (git("cat-file", "-e", `${lastVersion}^{commit}`).status === 0) return undefined;
  return `this clone has no commit ${lastVersion.slice(0, 7)} (\`git fetch --unshallow\` brings it)`;
}

function manifestIn(folder: string): { name: string; dependencies?: Record<string, string> } {
  return JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
}

/** The last version's own code, laid out in a folder of its own over the packages that are installed for this one. */
export class LastVersion {
  readonly root: string;

  private constructor(root: string) {
    this.root = root;
  }

  static layOut(): LastVersion {
    const root = mkdtempSync(join(tmpdir(), "sightline-last-version-"));
    const archive = execFileSync("git", ["-C", projectRoot, "archive", lastVersion], { maxBuffer: 2 ** 30 });
    execFileSync("tar", ["-x", "-C", root], { input: archive });
    symlinkSync(join(projectRoot, "node_modules"), join(root, "node_modules"));
    const manifests = git("ls-tree", "-r", "--name-only", lastVersion)
      .stdout.split("\n")
      .filter((path) => path.endsWith("/package.json"));
    const own = new Map(
      manifests.map((path): [string, string] => {
        const folder = join(root, dirname(path));
        return [manifestIn(folder).name, folder];
      }),
    );
    // What a package links to is said relative to it: our own packages are then those of the last version.
    for (const manifest of manifests) {
      const links = join(projectRoot, dirname(manifest), "node_modules");
      const to = join(root, dirname(manifest), "node_modules");
      if (!existsSync(links)) continue;
      mkdirSync(dirname(to), { recursive: true });
      cpSync(links, to, { recursive: true, verbatimSymlinks: true });
      // One of ours that this package does not use any more in this version.
      for (const name of Object.keys(manifestIn(join(root, dirname(manifest))).dependencies ?? {})) {
        const folder = own.get(name);
        if (!folder || existsSync(join(to, name))) continue;
        mkdirSync(dirname(join(to, name)), { recursive: true });
        symlinkSync(folder, join(to, name));
      }
    }
    return new LastVersion(root);
  }

  remove(): void {
    rmSync(this.root, { recursive: true, force: true });
  }
}
