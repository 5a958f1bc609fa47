import { copyFile, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build, type Plugin } from "esbuild";
import { rollup } from "rollup";
import { dts } from "rollup-plugin-dts";

/** Makes the package as it is installed, one module with one declaration file, in `dist` or the directory that is given. */
const root = fileURLToPath(new URL(".", import.meta.url));
const dist = process.argv[2] ?? join(root, "dist");
const entry = join(root, "src/index.ts");

/** What stays a package of its own. The contracts are built in, as far as they are used. */
const external = ["@bufbuild/protobuf", "@grpc/grpc-js"];

/** Modules of the contracts only declare; what nobody imports of them need not be there. */
const declarationsOnly: Plugin = {
  name: "declarations-only",
  setup({ onResolve, resolve }) {
    onResolve({ filter: /^\.|^@sightline\/contracts(\/api)?$|^zod$/ }, async (args) => {
      if (args.pluginData === "resolved") return undefined;
      const { importer, resolveDir, kind } = args;
      const found = await resolve(args.path, { importer, resolveDir, kind, pluginData: "resolved" });
      return { ...found, sideEffects: false };
    });
  },
};

await rm(dist, { recursive: true, force: true });
await mkdir(dist, { recursive: true });
const { metafile } = await build({
  entryPoints: [entry],
  outfile: join(dist, "index.js"),
  bundle: true,
  platform: "node",
  format: "esm",
  target: "node20",
  external,
  plugins: [declarationsOnly],
  metafile: true,
});
// This tsconfig names the contracts' source by its path: one found through node_modules is a library to the plug-in, which
// then makes a TypeScript program of its own for each file.
const declarations = await rollup({
  input: entry,
  external: external.flatMap((name) => [name, `${name}/wire`]),
  plugins: [dts({ tsconfig: join(root, "tsconfig.build.json") })],
});
await declarations.write({ file: join(dist, "index.d.ts") });

const packageOf = async (directory: string) =>
  JSON.parse(await readFile(join(root, directory, "package.json"), "utf8"));
const { name, version, license, dependencies } = await packageOf(".");
const versions = { ...(await packageOf("../contracts")).dependencies, ...dependencies };
const published = {
  name,
  version,
  description: "Client of Sightline: detections and events of cameras, as they happen and as they happened.",
  license,
  type: "module",
  engines: { node: ">=20" },
  exports: { ".": { types: "./index.d.ts", default: "./index.js" } },
  sideEffects: false,
  dependencies: Object.fromEntries(external.map((dependency) => [dependency, versions[dependency]])),
};
await writeFile(join(dist, "package.json"), `${JSON.stringify(published, null, 2)}\n`);
// Links into the repository lead nowhere from an installed package.
const guide = await readFile(join(root, "../../docs/sdk.md"), "utf8");
await writeFile(join(dist, "README.md"), guide.replace(/\[([^\]]+)\]\((?!https?:)[^)]+\)/g, "$1"));
await copyFile(join(root, "../../LICENSE"), join(dist, "LICENSE"));

const [output] = Object.values(metafile.outputs);
for (const [input, { bytesInOutput }] of Object.entries(output!.inputs).sort(
  (a, b) => b[1].bytesInOutput - a[1].bytesInOutput,
))
  console.log(`${String(bytesInOutput).padStart(8)}  ${input}`);
console.log(`${String(output!.bytes).padStart(8)}  index.js`);
