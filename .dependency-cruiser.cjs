/** Which other packages each package may import: the table in CONTRIBUTING.md, which a test compares with this. */
const mayImport = {
  contracts: [],
  media: [],
  "yolo-nas": ["media"],
  "frame-arena": ["contracts"],
  rtsp: ["contracts", "media"],
  recording: ["media"],
  service: ["contracts"],
  tracking: [],
  rules: ["contracts"],
  analysis: ["contracts", "tracking", "rules"],
  annotate: [],
  client: ["contracts"],
  stack: ["contracts", "service"],
};

const packageRules = Object.entries(mayImport).map(([name, others]) => ({
  name: `${name}-imports-${others.join("-and-") || "no-other-package"}`,
  severity: "error",
  from: { path: `^packages/${name}/` },
  // What a package has for tests is for tests of all: product-does-not-import-tests keeps it out of the rest.
  to: { path: "^packages/", pathNot: `^packages/(${[name, ...others].join("|")})/|/src/testing/` },
}));

/** Which part may import which; `./sightline test` checks it. */
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
    ...packageRules,
    {
      name: "pure-packages-do-no-io",
      comment: "Frames in, tracks and events out: the same in a test, in a replay and live.",
      severity: "error",
      from: { path: "^packages/(tracking|rules|analysis)/", pathNot: "\\.test\\.ts$|/testing/" },
      to: { dependencyTypes: ["core"] },
    },
    {
      name: "services-do-not-import-each-other",
      comment:
        "Services meet on NATS only. One file of results knows how to run the analysis in the same process; what a service has for tests is for tests of all.",
      severity: "error",
      from: { path: "^services/([^/]+)/", pathNot: "^services/results/src/with-analysis\\.ts$" },
      to: { path: "^(services|apps)/", pathNot: "^services/$1/|/src/testing/" },
    },
    {
      name: "results-enters-the-analysis-by-its-start",
      severity: "error",
      from: { path: "^services/results/src/with-analysis\\.ts$" },
      to: {
        path: "^(services|apps)/",
        pathNot: "^services/results/|^services/analysis/src/start-analysis\\.ts$",
      },
    },
    {
      name: "results-knows-transports-in-grpc-and-http",
      comment: "The rest of results is the same for both APIs; results-service.ts connects them.",
      severity: "error",
      from: {
        path: "^services/results/src/",
        pathNot:
          "^services/results/src/(grpc|http)/|^services/results/src/results-service\\.ts$|\\.test\\.ts$|/testing/",
      },
      to: { path: "^services/results/src/(grpc|http)/|node_modules/(@grpc/|fastify)" },
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
          "^packages/contracts/src/(backoff|bounded-map|camera-settings|camera-status|labels)\\.ts$",
          // What brings gRPC along: only for what calls or serves the API.
          "^packages/contracts/src/api\\.ts$",
          // Only two commands need it, and the library for archives with it.
          "^packages/service/src/backup/index\\.ts$",
          // What makes certificates is loaded where one is made, and by no service.
          "^packages/service/src/tls/self-signed\\.ts$",
        ],
      },
    },
    {
      name: "nats-services-load-no-grpc",
      comment:
        "gRPC takes as long to load as all else that such a service needs, and each start, each restart and each test pays for it.",
      severity: "error",
      from: {
        path: "^(services/(ingest|inference|analysis)|packages/(service|rules|stack|recording|rtsp|frame-arena|contracts)|apps/console)/src/",
        pathNot: "^packages/contracts/src/(api|event-json)\\.ts$|\\.test\\.tsx?$|/testing/",
      },
      to: {
        path: "^packages/contracts/src/(api|event-json)\\.ts$|node_modules/@grpc/",
        dependencyTypesNot: ["type-only"],
      },
    },
    {
      name: "help-loads-no-command",
      comment:
        "What every command line loads is small: with the client alone, `--help` took five times its CPU time.",
      severity: "error",
      from: { path: "^packages/cli/src/(main|cli|command-table|command-table/[^/]+|server-options)\\.ts$" },
      to: {
        path: "^(packages|services)/",
        pathNot: "^packages/cli/src/(cli|command-table|command-table/[^/]+|server-options)\\.ts$",
        dynamic: false,
        dependencyTypesNot: ["type-only"],
      },
    },
    {
      name: "console-imports-contracts-and-annotate",
      severity: "error",
      from: { path: "^apps/console/" },
      to: { path: "^(packages|services|test)/", pathNot: "^packages/(contracts|annotate)/" },
    },
    {
      name: "examples-import-the-client",
      comment: "They are what an application looks like.",
      severity: "error",
      from: { path: "^examples/" },
      to: { path: "^(packages|services|apps|test)/", pathNot: "^packages/client/" },
    },
    {
      name: "console-takes-types-of-contracts-only",
      comment:
        "What runs of the index brings the messages of NATS along, and what runs of the API gRPC for Node, which no browser loads.",
      severity: "error",
      from: { path: "^apps/console/src/", pathNot: "\\.test\\.tsx?$" },
      to: { path: "^packages/contracts/src/(index|api)\\.ts$", dependencyTypesNot: ["type-only"] },
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
