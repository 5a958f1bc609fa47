import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { cp, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { stripTypeScriptTypes } from "node:module";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";
import { projectRoot } from "@sightline/stack";

const run = promisify(execFile);

/** The first block of code in a language that follows a heading of a document. */
export function codeOf(file: string, language: string, heading: string): string {
  const text = readFileSync(join(projectRoot, file), "utf8");
  const [, code] = text.slice(text.indexOf(`${heading}\n`)).split(`\`\`\`${language}\n`);
  return code!.slice(0, code!.indexOf("```"));
}

function userPath(): string {
  const parts = (process.env.PATH ?? "").split(delimiter);
  return parts.filter((part) => !part.includes("node_modules")).join(delimiter);
}

/** The client's package as a user has it: built, packed and installed as docs/sdk.md says, with what it depends on. */
export class InstalledClient {
  /** A project of its own, outside the repository, with the examples beside what is installed. */
  readonly directory: string;

  private constructor(directory: string) {
    this.directory = directory;
  }

  static async make(): Promise<InstalledClient> {
    const directory = await mkdtemp(join(tmpdir(), "sightline-project-"));
    const commands = codeOf("docs/sdk.md", "sh", "## Install").replaceAll("../my-project", directory);
    // With no more than a user has: not the PATH that puts the project's own programs first.
    await run("bash", ["-euo", "pipefail", "-c", commands], {
      cwd: projectRoot,
      env: { ...process.env, PATH: userPath() },
    });
    await cp(join(projectRoot, "examples"), directory, {
      recursive: true,
      filter: (source) => !/node_modules|package\.json$/.test(source),
    });
    return new InstalledClient(directory);
  }

  /** Names of all packages that are installed. */
  async packages(): Promise<string[]> {
    const lock = JSON.parse(await readFile(join(this.directory, "node_modules/.package-lock.json"), "utf8"));
    return Object.keys(lock.packages).map((path) => path.replace(/^.*node_modules\//, ""));
  }

  /** Names of the files of the installed client. */
  async files(): Promise<string[]> {
    return readdir(join(this.directory, "node_modules/@sightline/client"));
  }

  /** An example as JavaScript, for a Node.js that does not run TypeScript; returns its path. */
  async asJavaScript(example: string): Promise<string> {
    const path = join(this.directory, example);
    const script = path.replace(/\.ts$/, ".mjs");
    await writeFile(script, stripTypeScriptTypes(await readFile(path, "utf8")));
    return script;
  }

  /** Path of a Node.js 20: the machine's if it is one, else one that npm installs here. */
  async node20(): Promise<string> {
    const env = { PATH: userPath() };
    const version = await run("node", ["--version"], { env });
    if (version.stdout.startsWith("v20."))
      return (await run("node", ["-p", "process.execPath"], { env })).stdout.trim();
    const prefix = join(this.directory, "node20");
    await run("npm", ["install", "--no-audit", "--no-fund", "--prefix", prefix, "node@20"]);
    return join(prefix, "node_modules/node/bin/node");
  }

  async remove(): Promise<void> {
    await rm(this.directory, { recursive: true, force: true });
  }
}
