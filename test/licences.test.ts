import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { expect, test } from "vitest";

const store = resolve(import.meta.dirname, "../node_modules/.pnpm");
/** Licences under which a package may be used and passed on with the product, alone or as a choice among others. */
const free = new Set([
  ...[
    "0BSD",
    "Apache-2.0",
    "BlueOak-1.0.0",
    "BSD",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "CC0-1.0",
    "ISC",
    "MIT",
    "MIT-0",
  ],
  ...["PSF-2.0", "Python-2.0", "Unlicense", "WTFPL", "Zlib"],
  // Changes to the package's own files must be published; there are none.
  "MPL-2.0",
  // Data of browsers and of characters, used to build.
  ...["CC-BY-4.0", "CC-BY-3.0", "Unicode-3.0"],
]);
/** What asks for more, and that the README says so. */
const named = new Map([
  ["ffmpeg-static", "GPL-3.0-or-later"],
  ["@img/sharp-libvips", "LGPL-3.0-or-later"],
]);
/** Only builds, and nothing of it is passed on. */
const builds = new Map([["rollup-plugin-dts", "LGPL-3.0-only"]]);

/** Every package that is installed, with the licence that it states. */
function installed(): { name: string; licence: string }[] {
  const folders = readdirSync(store).flatMap((entry) => {
    const modules = join(store, entry, "node_modules");
    const names = readable(modules).flatMap((name) =>
      name.startsWith("@") ? readable(join(modules, name)).map((inner) => `${name}/${inner}`) : [name],
    );
    // The package itself; what it depends on is linked beside it, and has an entry of its own.
    return names
      .filter((name) => entry.startsWith(`${name.replace("/", "+")}@`))
      .map((name) => join(modules, name));
  });
  return folders.map((folder) => {
    const manifest = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
    const { license, licenses } = manifest;
    const licence =
      license?.type ?? license ?? licenses?.map((each: { type: string }) => each.type).join(" OR ");
    return { name: manifest.name, licence: String(licence) };
  });
}

function readable(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

/** Whether an SPDX expression can be met by free licences: one of its choices, or all that it joins. */
function isFree(expression: string): boolean {
  const choices = expression.replace(/[()]/g, "").split(/ OR /i);
  return choices.some((choice) => choice.split(/ AND /i).every((each) => free.has(each.trim())));
}

test("the bill of materials of a release lists what runs in production, each with its licence, and nothing else", () => {
  const root = resolve(import.meta.dirname, "..");
  const options = { cwd: root, encoding: "utf8", maxBuffer: 64 * 1024 * 1024 } as const;
  const bill = JSON.parse(execFileSync(process.execPath, ["deploy/sbom.mjs"], options));
  expect(bill).toMatchObject({ bomFormat: "CycloneDX", metadata: { component: { name: "sightline" } } });
  const listed = new Map<
    string,
    { purl: string; licenses?: { expression?: string; license?: { name: string } }[] }
  >(
    bill.components.map((each: { group?: string; name: string }) => [
      each.group === undefined ? each.name : `${each.group}/${each.name}`,
      each,
    ]),
  );
  for (const folder of ["packages", "services", "apps"])
    for (const name of readdirSync(join(root, folder))) {
      const manifest = JSON.parse(readFileSync(join(root, folder, name, "package.json"), "utf8"));
      const all = { ...manifest.dependencies, ...manifest.optionalDependencies };
      for (const [needed, version] of Object.entries<string>(all))
        if (!version.startsWith("workspace:")) expect([...listed.keys()]).toContain(needed);
    }
  for (const { purl, licenses } of listed.values()) {
    expect(purl).toMatch(/^pkg:npm\//);
    expect(licenses?.[0]?.expression ?? licenses?.[0]?.license?.name, purl).toMatch(/\w/);
  }
  for (const [name, { licenses }] of listed)
    if (name.startsWith("@seydx/node-av-")) expect(licenses?.[0]?.expression).toContain("GPL-3.0-or-later");
  for (const name of ["vitest", "@biomejs/biome", "oidc-provider"]) expect(listed.has(name)).toBe(false);
}, 120_000);

test("every package is under a licence that the product may use, or is named in the README", () => {
  const packages = installed();
  expect(packages.length).toBeGreaterThan(300);
  const others = packages.filter(({ name, licence }) => !isFree(licence) && builds.get(name) !== licence);
  const unexpected = others.filter(
    ({ name, licence }) => ![...named].some(([known, its]) => name.startsWith(known) && licence === its),
  );
  expect(unexpected).toEqual([]);
  const readme = readFileSync(resolve(import.meta.dirname, "../README.md"), "utf8");
  // It says MIT, which is its own code; FFmpeg is inside.
  expect(packages.map(({ name }) => name)).toContain("node-av");
  expect(readme).toMatch(/node-av[^.]*FFmpeg[^.]*GPL-3/);
  for (const { name } of others) expect(readme).toContain(name.replace(/^@img\/sharp-(libvips).*/, "$1"));
});
