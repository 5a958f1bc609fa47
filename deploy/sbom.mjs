// The bill of materials of a release (CycloneDX, JSON): `node deploy/sbom.mjs > sightline.cdx.json`, after `./sightline` has installed the packages.
// pnpm reads the lockfile and knows what is for production, but its list has no licences: these are what the installed packages say.
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const store = join(root, "node_modules/.pnpm");
const folders = readdirSync(store);
const maxBytes = 64 * 1024 * 1024;
/** What is inside of packages that say the licence of their own code only. */
const contained = { "@seydx/node-av-": "MIT AND GPL-3.0-or-later AND FDK-AAC" };
/** The release that the lockfile is made with cannot do it. */
const lister = ["pnpm@11.28.11", "--pm-on-fail=ignore", "sbom", "--sbom-format", "cyclonedx", "--prod"];

const options = { cwd: root, encoding: "utf8", maxBuffer: maxBytes };
const bill = JSON.parse(execFileSync("npx", ["-y", "--prefer-offline", ...lister], options));
for (const component of bill.components) {
  const licence = licenceOf(component);
  if (licence !== undefined) component.licenses = [licence];
}
process.stdout.write(`${JSON.stringify(bill, undefined, 2)}\n`);

/** What a package says, as CycloneDX has it: an SPDX expression, or a name. */
function licenceOf({ group, name, version }) {
  const full = group === undefined ? name : `${group}/${name}`;
  const { license, licenses } = manifest(full, version) ?? {};
  const said = license?.type ?? license ?? licenses?.map(({ type }) => type).join(" OR ");
  const inside = Object.entries(contained).find(([start]) => full.startsWith(start));
  if (inside) return { expression: inside[1] };
  if (said === undefined) return undefined;
  return /^[\w.+\-() ]+$/.test(said) && !said.startsWith("SEE ")
    ? { expression: said }
    : { license: { name: said } };
}

function manifest(name, version) {
  // With what it was combined with behind it, where that matters.
  const start = `${name.replace("/", "+")}@${version}`;
  const folder = folders.find(
    (each) => each === start || each.startsWith(`${start}_`) || each.startsWith(`${start}(`),
  );
  if (folder === undefined) return undefined;
  return JSON.parse(readFileSync(join(store, folder, "node_modules", name, "package.json"), "utf8"));
}
