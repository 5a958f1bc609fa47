import { fileURLToPath } from "node:url";
import {
  type Config,
  commonSettings,
  reorderWindowMsSetting,
  replicasSetting,
  secretsKeyFileSetting,
  setting,
  streamLimitSettings,
  tlsServerSettings,
  tracingSettings,
} from "@sightline/service";
import { z } from "zod";
import { isNetwork } from "./access/caller-address.ts";
import { oidcSettings } from "./access/oidc/oidc-settings.ts";

const hostNames = z
  .string()
  .default("")
  .transform((text) => text.split(",").flatMap((name) => name.trim() || []))
  .refine(
    (names) => names.every((name) => /^[a-z0-9.-]{1,253}$/i.test(name)),
    "expected host names separated by commas, without port",
  );

const networks = z
  .string()
  .default("")
  .transform((text) => text.split(",").flatMap((network) => network.trim() || []))
  .refine(
    (given) => given.every(isNetwork),
    "expected addresses or networks separated by commas, such as 127.0.0.1,10.0.0.0/8",
  );

/** Settings of the results service. */
export const settings = {
  ...commonSettings,
  secretsKeyFile: secretsKeyFileSetting,
  ...tracingSettings,
  ...streamLimitSettings,
  ...tlsServerSettings,
  grpc: {
    env: "SIGHTLINE_GRPC",
    schema: setting.listen("127.0.0.1:50051"),
    help: "HOST:PORT of the gRPC API",
  },
  http: {
    env: "SIGHTLINE_RESULTS_HTTP",
    schema: setting.listen("127.0.0.1:9100"),
    help: "HOST:PORT of the console, the HTTP API, metrics and health",
  },
  adminPasswordFile: {
    env: "SIGHTLINE_ADMIN_PASSWORD_FILE",
    schema: setting.optionalText(),
    help: "file whose first line is the password of the user 'admin', who is made while there is no admin",
  },
  bridgesTokenFile: {
    env: "SIGHTLINE_BRIDGES_TOKEN_FILE",
    schema: setting.optionalText(),
    help: "file with the token by which bridges call; the same for both",
  },
  metricsTokenFile: {
    env: "SIGHTLINE_METRICS_TOKEN_FILE",
    schema: setting.optionalText(),
    help: "file with a token by which Prometheus may read /metrics",
  },
  httpHosts: {
    env: "SIGHTLINE_HTTP_HOSTS",
    schema: hostNames,
    help: "names, separated by commas, by which browsers may call the HTTP address, beside localhost and IP addresses",
  },
  ...oidcSettings,
  trustedProxies: {
    env: "SIGHTLINE_TRUSTED_PROXIES",
    schema: networks,
    help: "addresses or networks, separated by commas, of proxies whose word for who calls is believed (X-Forwarded-For, X-Forwarded-Proto)",
  },
  consoleDirectory: {
    env: "SIGHTLINE_CONSOLE_DIR",
    schema: setting.text(fileURLToPath(new URL("../../../apps/console/dist", import.meta.url))),
    help: "directory of the built console",
  },
  maxSockets: {
    env: "SIGHTLINE_MAX_SOCKETS",
    schema: setting.integer(64, 1, 10_000),
    help: "browsers connected at a time for live changes",
  },
  maxSocketsPerUser: {
    env: "SIGHTLINE_MAX_SOCKETS_PER_USER",
    schema: setting.integer(32, 1, 10_000),
    help: "of these, those of one user or token",
  },
  maxCallsPerAddress: {
    env: "SIGHTLINE_MAX_CALLS_PER_ADDRESS",
    schema: setting.integer(2_000, 1, 1_000_000),
    help: "calls and requests a second from one address, over ten seconds",
  },
  maxCallsPerUser: {
    env: "SIGHTLINE_MAX_CALLS_PER_USER",
    schema: setting.integer(1_000, 1, 1_000_000),
    help: "calls and requests a second of one user or token, over ten seconds",
  },
  maxStreamsPerUser: {
    env: "SIGHTLINE_MAX_STREAMS_PER_USER",
    schema: setting.integer(1_500, 1, 100_000),
    help: "streams and downloads of one user or token at a time",
  },
  modelUploadMb: {
    env: "SIGHTLINE_MODEL_UPLOAD_MB",
    schema: setting.integer(512, 0, 1_048_576),
    help: "largest model or clip that may be uploaded, in MiB; 0: none",
  },
  modelStoreMb: {
    env: "SIGHTLINE_MODEL_STORE_MB",
    schema: setting.integer(4_096, 1, 1_048_576),
    help: "MiB of NATS's disk that uploaded models and clips may take together",
  },
  defaultModel: {
    env: "SIGHTLINE_DEFAULT_MODEL",
    schema: setting.modelName("yolo-nas-pedestrians"),
    help: "model of cameras that name none",
  },
  maxAgeHours: {
    env: "SIGHTLINE_DETECTIONS_MAX_AGE_HOURS",
    schema: setting.number(24, 0.1, 87_600),
    help: "hours that frames with their detections are kept",
  },
  eventsMaxAgeHours: {
    env: "SIGHTLINE_EVENTS_MAX_AGE_HOURS",
    schema: setting.number(720, 0.1, 87_600),
    help: "hours that events are kept",
  },
  snapshotsMaxAgeHours: {
    env: "SIGHTLINE_SNAPSHOTS_MAX_AGE_HOURS",
    schema: setting.number(168, 0.1, 87_600),
    help: "hours that pictures of events are kept",
  },
  auditMaxAgeDays: {
    env: "SIGHTLINE_AUDIT_MAX_AGE_DAYS",
    schema: setting.number(365, 1, 3_650),
    help: "days that the audit trail is kept",
  },
  sitesDirectory: {
    env: "SIGHTLINE_SITES_DIRECTORY",
    schema: setting.optionalText(),
    help: "directory with a key NAME.nk for each site whose events are copied here",
  },
  replicas: replicasSetting,
  analysis: {
    env: "SIGHTLINE_ANALYSIS",
    schema: setting.choice(["here", "apart"], "here"),
    help: "where cameras are analysed: here, in this process, or apart, in the service analysis",
  },
  natsStore: {
    env: "SIGHTLINE_NATS_STORE_DIR",
    schema: setting.optionalText(),
    help: "directory of NATS's data where it can be seen from here, to tell how full its disk is",
  },
  reorderWindowMs: reorderWindowMsSetting,
  subscriberBuffer: {
    env: "SIGHTLINE_SUBSCRIBER_BUFFER",
    schema: setting.integer(256, 1, 100_000),
    help: "frames kept for a subscriber that reads slowly",
  },
  maxSubscribers: {
    env: "SIGHTLINE_MAX_SUBSCRIBERS",
    schema: setting.integer(2_000, 1, 100_000),
    help: "subscribers at a time",
  },
} as const;

export type ResultsConfig = Config<typeof settings>;
