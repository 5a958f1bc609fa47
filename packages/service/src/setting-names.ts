import { configFileVariable, readConfigFile } from "./config.ts";

/** `; did you mean NAME?` with the most similar known name, or empty when none is similar. */
export function nameHint(name: string, known: readonly string[]): string {
  const [nearest] = known
    .map((candidate) => ({ candidate, steps: editDistance(name.toUpperCase(), candidate.toUpperCase()) }))
    .filter(({ candidate, steps }) => steps <= Math.max(2, candidate.length / 4))
    .sort((a, b) => a.steps - b.steps);
  return nearest === undefined ? "" : `; did you mean ${nearest.candidate}?`;
}

/** Characters to insert, remove or change to turn one into the other (Levenshtein). */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (const [i, character] of [...a].entries()) {
    const next = [i + 1];
    for (let j = 0; j < b.length; j++) {
      const changed = row[j]! + (character === b[j] ? 0 : 1);
      next.push(Math.min(changed, row[j + 1]! + 1, next[j]! + 1));
    }
    row = next;
  }
  return row[b.length]!;
}

/**
 * The settings of all services by their variable, and their names in a settings file. Services share an environment and may share a file,
 * so each must know the others' names to find unknown ones. A test checks this list against the services.
 */
export const settingNames = {
  FFMPEG_PATH: "ffmpegPath",
  OTEL_EXPORTER_OTLP_ENDPOINT: "traceEndpoint",
  SIGHTLINE_ADMIN_PASSWORD_FILE: "adminPasswordFile",
  SIGHTLINE_ANALYSIS: "analysis",
  SIGHTLINE_ANALYSIS_HTTP: "http",
  SIGHTLINE_AUDIT_MAX_AGE_DAYS: "auditMaxAgeDays",
  SIGHTLINE_AUDIT_MAX_BYTES: "auditMaxBytes",
  SIGHTLINE_BATCH_GOAL: "batchGoal",
  SIGHTLINE_BATCH_SIZE: "batchSize",
  SIGHTLINE_BRIDGES_HTTP: "http",
  SIGHTLINE_BRIDGES_TOKEN_FILE: "bridgesTokenFile",
  SIGHTLINE_CAMERA_NETWORKS: "cameraNetworks",
  SIGHTLINE_CAMERA_REDIRECTS: "cameraRedirects",
  SIGHTLINE_CONSOLE_DIR: "consoleDirectory",
  SIGHTLINE_DEFAULT_MODEL: "defaultModel",
  SIGHTLINE_DETECTIONS_MAX_AGE_HOURS: "maxAgeHours",
  SIGHTLINE_DETECTIONS_MAX_BYTES: "maxBytes",
  SIGHTLINE_EVENTS_MAX_AGE_HOURS: "eventsMaxAgeHours",
  SIGHTLINE_EVENTS_MAX_BYTES: "eventsMaxBytes",
  SIGHTLINE_EXECUTION_PROVIDER: "executionProvider",
  SIGHTLINE_DECODE: "decode",
  SIGHTLINE_FFMPEG_MEMORY_MIB: "ffmpegMemoryMib",
  SIGHTLINE_FRAME_MEMORY_DIR: "frameMemoryDirectory",
  SIGHTLINE_FRAME_MEMORY_MIB: "frameMemoryMib",
  SIGHTLINE_GRPC: "grpc",
  SIGHTLINE_GRPC_ADDRESS: "grpcAddress",
  SIGHTLINE_HTTP_HOSTS: "httpHosts",
  SIGHTLINE_INFERENCE_HTTP: "http",
  SIGHTLINE_INGEST_HTTP: "http",
  SIGHTLINE_INGEST_ID: "id",
  SIGHTLINE_INGEST_URL: "url",
  SIGHTLINE_LOG_LEVEL: "logLevel",
  SIGHTLINE_MAX_AGE_MS: "maxAgeMs",
  SIGHTLINE_FRAME_FORMAT: "frameFormat",
  SIGHTLINE_MAX_BATCH: "maxBatch",
  SIGHTLINE_MAX_CALLS_PER_ADDRESS: "maxCallsPerAddress",
  SIGHTLINE_MAX_CALLS_PER_USER: "maxCallsPerUser",
  SIGHTLINE_MAX_DELAY_MS: "maxDelayMs",
  SIGHTLINE_MAX_SOCKETS: "maxSockets",
  SIGHTLINE_MAX_SOCKETS_PER_USER: "maxSocketsPerUser",
  SIGHTLINE_MAX_STREAMS_PER_USER: "maxStreamsPerUser",
  SIGHTLINE_MAX_SUBSCRIBERS: "maxSubscribers",
  SIGHTLINE_METRICS_TOKEN_FILE: "metricsTokenFile",
  SIGHTLINE_MODEL: "model",
  SIGHTLINE_MODELS: "models",
  SIGHTLINE_MODEL_DIR: "modelDirectory",
  SIGHTLINE_MODEL_IDLE_SECONDS: "modelIdleSeconds",
  SIGHTLINE_MODEL_JOB_MEMORY_MB: "modelJobMemoryMb",
  SIGHTLINE_MODEL_JOB_MINUTES: "modelJobMinutes",
  SIGHTLINE_MODEL_MEMORY_MB: "modelMemoryMb",
  SIGHTLINE_MODEL_STORE_MB: "modelStoreMb",
  SIGHTLINE_MODEL_UPLOAD_MB: "modelUploadMb",
  SIGHTLINE_MQTT_ALERT_CLASSES: "mqttAlertClasses",
  SIGHTLINE_MQTT_CA: "mqttCa",
  SIGHTLINE_MQTT_DISCOVERY: "mqttDiscovery",
  SIGHTLINE_MQTT_DISCOVERY_PREFIX: "mqttDiscoveryPrefix",
  SIGHTLINE_MQTT_PASSWORD: "mqttPassword",
  SIGHTLINE_MQTT_PREFIX: "mqttPrefix",
  SIGHTLINE_MQTT_SNAPSHOTS: "mqttSnapshots",
  SIGHTLINE_MQTT_SUBSCRIPTION: "mqttSubscription",
  SIGHTLINE_MQTT_URL: "mqttUrl",
  SIGHTLINE_MQTT_USER: "mqttUser",
  SIGHTLINE_NATS_CA_FILE: "natsCaFile",
  SIGHTLINE_NATS_CERT_FILE: "natsCertFile",
  SIGHTLINE_NATS_CREDS_FILE: "natsCredsFile",
  SIGHTLINE_NATS_KEY_FILE: "natsKeyFile",
  SIGHTLINE_NATS_NKEY_FILE: "natsNkeyFile",
  SIGHTLINE_NATS_REPLICAS: "replicas",
  SIGHTLINE_NATS_STORE_DIR: "natsStore",
  SIGHTLINE_NATS_URL: "natsUrl",
  SIGHTLINE_OIDC_CLIENT_ID: "oidcClientId",
  SIGHTLINE_OIDC_CLIENT_SECRET_FILE: "oidcClientSecretFile",
  SIGHTLINE_OIDC_DEFAULT_ROLE: "oidcDefaultRole",
  SIGHTLINE_OIDC_ISSUER: "oidcIssuer",
  SIGHTLINE_OIDC_LABEL: "oidcLabel",
  SIGHTLINE_OIDC_REDIRECT_URL: "oidcRedirectUrl",
  SIGHTLINE_OIDC_ROLES: "oidcRoles",
  SIGHTLINE_OIDC_ROLE_CLAIM: "oidcRoleClaim",
  SIGHTLINE_OIDC_SCOPES: "oidcScopes",
  SIGHTLINE_OIDC_USER_CLAIM: "oidcUserClaim",
  SIGHTLINE_PICTURE_BYTES: "pictureBytes",
  SIGHTLINE_PICTURE_CAMERA_BYTES: "pictureCameraBytes",
  SIGHTLINE_PICTURE_SECONDS: "pictureSeconds",
  SIGHTLINE_POST_ROLL_SECONDS: "postRollSeconds",
  SIGHTLINE_PRECISION: "precision",
  SIGHTLINE_PRE_ROLL_SECONDS: "preRollSeconds",
  SIGHTLINE_RECORDING: "recording",
  SIGHTLINE_RECORDINGS_DIRECTORY: "recordingsDirectory",
  SIGHTLINE_RECORDINGS_EVENTS_MAX_AGE_DAYS: "recordingsEventsMaxAgeDays",
  SIGHTLINE_RECORDINGS_MAX_AGE_DAYS: "recordingsMaxAgeDays",
  SIGHTLINE_RECORDINGS_MAX_GIB: "recordingsMaxGib",
  SIGHTLINE_REORDER_WINDOW_MS: "reorderWindowMs",
  SIGHTLINE_RESULTS_HTTP: "http",
  SIGHTLINE_SECRETS_KEY_FILE: "secretsKeyFile",
  SIGHTLINE_SESSIONS: "sessions",
  SIGHTLINE_SITES_DIRECTORY: "sitesDirectory",
  SIGHTLINE_SNAPSHOTS_MAX_AGE_HOURS: "snapshotsMaxAgeHours",
  SIGHTLINE_SNAPSHOTS_MAX_BYTES: "snapshotsMaxBytes",
  SIGHTLINE_SOURCE_FILES: "sourceFiles",
  SIGHTLINE_STALL_SECONDS: "stallSeconds",
  SIGHTLINE_SUBSCRIBER_BUFFER: "subscriberBuffer",
  SIGHTLINE_THREADS: "threads",
  SIGHTLINE_TLS_CA_FILE: "tlsCaFile",
  SIGHTLINE_TLS_CERT_FILE: "tlsCertFile",
  SIGHTLINE_TLS_CLIENT_CA_FILE: "tlsClientCaFile",
  SIGHTLINE_TLS_CLIENT_CERT_FILE: "tlsClientCertFile",
  SIGHTLINE_TLS_CLIENT_KEY_FILE: "tlsClientKeyFile",
  SIGHTLINE_TLS_KEY_FILE: "tlsKeyFile",
  SIGHTLINE_TLS_SERVER_NAME: "tlsServerName",
  SIGHTLINE_TRACE_RATIO: "traceRatio",
  SIGHTLINE_TRUSTED_PROXIES: "trustedProxies",
  SIGHTLINE_WEBHOOKS: "webhooks",
} as const;

/** Variables with our prefix that are not settings of a service: those of the command line and of docker-compose.yml. */
const otherVariables = [
  configFileVariable,
  "SIGHTLINE_RESULTS_URL",
  "SIGHTLINE_TOKEN",
  "SIGHTLINE_TOKEN_FILE",
  "SIGHTLINE_GRAFANA_PORT",
  "SIGHTLINE_PROMETHEUS_PORT",
];

/**
 * Reports each variable that begins with SIGHTLINE_, and each name in the settings file, that no service knows; one line each, without
 * values.
 * @throws ConfigError the file cannot be read
 */
export function unknownSettings(env: NodeJS.ProcessEnv = process.env): string[] {
  const variables = [...Object.keys(settingNames), ...otherVariables];
  const names = new Set(Object.values(settingNames).map(String));
  const path = env[configFileVariable];
  const given = path ? Object.keys(readConfigFile(path)) : [];
  return [
    ...Object.keys(env)
      .filter((name) => name.startsWith("SIGHTLINE_") && !variables.includes(name))
      .map(
        (name) => `${name} is not a setting of any service, so it does nothing${nameHint(name, variables)}`,
      ),
    ...given
      .filter((name) => !names.has(name))
      .map(
        (name) =>
          `${name} in ${path} is not a setting of any service, so it does nothing${nameHint(name, [...names])}`,
      ),
  ].sort();
}
