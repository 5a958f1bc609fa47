/** Which part may import which; `pnpm lint:architecture` checks it. */
module.exports = {
  forbidden: [
    { name: "no-cycles", severity: "error", from: {}, to: { circular: true } },
    {
      name: "no-undeclared",
      comment: "A module that cannot be resolved is one that the package does not declare.",
      severity: "error",
      from: {},
      to: { couldNotResolve: true },
    },
    {
      name: "packages-do-not-import-services",
      severity: "error",
      from: { path: "^packages/" },
      to: { path: "^(services|apps|test)/" },
    },
    {
      name: "services-do-not-import-each-other",
      comment: "Services meet on NATS only.",
      severity: "error",
      from: { path: "^services/([^/]+)/" },
      to: { path: "^(services|apps)/", pathNot: "^services/$1/" },
    },
    {
      name: "contracts-and-media-stand-alone",
      severity: "error",
      from: { path: "^packages/(contracts|media)/" },
      to: { path: "^packages/", pathNot: "^packages/$1/" },
    },
    {
      name: "yolo-nas-reads-frames-by-media-only",
      severity: "error",
      from: { path: "^packages/yolo-nas/" },
      to: { path: "^packages/", pathNot: "^packages/(yolo-nas|media)/" },
    },
    {
      name: "onnx-runtime-by-its-one-module",
      comment:
        "packages/yolo-nas/src/runtime/onnx-runtime.ts turns its telemetry off first. The GPU checks compare with it bare.",
      severity: "error",
      from: { pathNot: "/runtime/onnx-runtime\\.ts$|^test/gpu/" },
      to: { path: "onnxruntime-node" },
    },
    {
      name: "client-needs-contracts-only",
      severity: "error",
      from: { path: "^packages/client/" },
      to: { path: "^packages/", pathNot: "^packages/(client|contracts)/" },
    },
    {
      name: "packages-enter-by-their-index",
      comment: "A package is used through its index (or its testing entry), never by a deep import.",
      severity: "error",
      from: { path: "^(packages|services|apps|test)/([^/]+)/" },
      to: {
        path: "^packages/([^/]+)/src/",
        pathNot: [
          "^packages/$2/",
          "^packages/[^/]+/src/index\\.ts$",
          "^packages/[^/]+/src/testing/index\\.ts$",
          // Also for threads, which do not need the rest.
          "^packages/service/src/clock\\.ts$",
          "^packages/yolo-nas/src/session\\.ts$",
          // Also for the command line, which starts faster without the rest.
          "^packages/service/src/private-file\\.ts$",
          // Also for the console, which cannot load gRPC.
          "^packages/contracts/src/(backoff|labels)\\.ts$",
          // Only two commands need it, and the library for archives with it.
          "^packages/service/src/backup/index\\.ts$",
          // What makes certificates is loaded where one is made, and by no service.
          "^packages/service/src/tls/self-signed\\.ts$",
        ],
      },
    },
    {
      name: "console-takes-types-of-contracts-only",
      comment:
        "What runs of the index brings gRPC for Node along, which no browser loads: the page stays empty.",
      severity: "error",
      from: { path: "^apps/console/src/", pathNot: "\\.test\\.tsx?$" },
      to: { path: "^packages/contracts/src/index\\.ts$", dependencyTypesNot: ["type-only"] },
    },
    {
      name: "product-does-not-import-tests",
      severity: "error",
      from: { path: "^(packages|services)/", pathNot: "\\.test\\.ts$|/testing/" },
      to: { path: "^test/|/testing/|\\.test\\.ts$" },
    },
  ],
  options: {
    doNotFollow: { path: "node_modules" },
    exclude: { path: "^(packages|services|apps)/.*/(gen|dist)/" },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: {
      exportsFields: ["exports"],
      conditionNames: ["import"],
      extensions: [".ts", ".tsx", ".js"],
    },
  },
};
