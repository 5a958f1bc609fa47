import { connect } from "@sightline/client";
import {
  createRegistry,
  HttpServer,
  isLoopback,
  type Lifecycle,
  type Logger,
  type ReadinessCheck,
} from "@sightline/service";
import { BridgeMetrics } from "./bridge-metrics.ts";
import type { BridgesConfig } from "./config.ts";
import { MqttBridge } from "./mqtt/mqtt-bridge.ts";
import { WebhookBridge } from "./webhooks/webhook-bridge.ts";

const version = "0.1.0";

/** Starts every configured bridge; each reads its own named subscription. Returns the address of the metrics. */
export async function startBridges(
  config: BridgesConfig,
  log: Logger,
  life: Lifecycle,
): Promise<{ http: string }> {
  const registry = createRegistry("bridges", version);
  const metrics = new BridgeMetrics(registry);
  const client = connect(config.grpcAddress, { tls: config.tls, token: config.token });
  life.add({ stop: async () => client.close() });
  const bridges: (MqttBridge | WebhookBridge)[] = config.webhooks.map(
    (webhook) => new WebhookBridge(client, webhook, metrics.of(`webhook-${webhook.name}`), log),
  );
  if (config.mqtt)
    bridges.push(new MqttBridge(client, config.mqtt, metrics.of(config.mqtt.subscription), log));
  const readiness: Record<string, ReadinessCheck> = {};
  for (const bridge of bridges) readiness[bridge.name] = () => bridge.missing();
  for (const { bridge, faults } of config.wrong) {
    const reason = faults.join("; ");
    log.error({ bridge, faults }, "a bridge does not run: its settings are wrong");
    metrics.disabled(bridge, "misconfigured");
    readiness[bridge] = () => reason;
  }
  const http = life.add(new HttpServer(registry, readiness, log));
  const address = await http.listen(config.http);
  if (!isLoopback(config.http))
    log.warn({ http: address }, "metrics and health are served to other machines, without authentication");
  // All at once: they share the time that stopping may take.
  life.add({ stop: async () => void (await Promise.all(bridges.map((bridge) => bridge.stop()))) });
  for (const bridge of bridges) bridge.start();
  log.info(
    { http: address, results: config.grpcAddress, bridges: bridges.map(({ name }) => name) },
    "bridges are running",
  );
  return { http: address };
}
