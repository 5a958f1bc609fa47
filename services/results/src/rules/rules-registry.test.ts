import { CameraRules, cameraRecordSchema, decodeJson, encodeJson } from "@sightline/contracts";
import { connectNats, createLogger, KvMirror, openBuckets } from "@sightline/service";
import { NatsServer } from "@sightline/service/testing";
import { expect, test } from "vitest";
import { decodeRules, RulesRegistry } from "./rules-registry.ts";

test("rules that were left behind are swept; those of cameras stay, also of one not heard of yet", async () => {
  const log = createLogger("test", "fatal");
  const server = await NatsServer.start();
  const nats = await connectNats(server.url, "test", log);
  const { cameras, cameraRules } = await openBuckets(nats.kv);
  const time = "2026-01-01T00:00:00.000Z";
  const record = encodeJson({
    uri: "rtsp://cam/x",
    transport: "tcp",
    targetFps: 0,
    model: "m",
    minScore: 0,
    classes: [],
    hasCredentials: false,
    createTime: time,
    updateTime: time,
  });
  const records = new KvMirror(nats, cameras, (data) => decodeJson(cameraRecordSchema, data), log);
  const rules = new KvMirror(nats, cameraRules, decodeRules, log);
  await cameras.put("known", record);
  await cameras.put("removed", record);
  await cameras.delete("removed");
  for (const camera of ["known", "removed", "never", "new"])
    await cameraRules.put(camera, CameraRules.encode(CameraRules.create()).finish());
  await Promise.all([records.start(), rules.start()]);
  // From here on the mirror of cameras is behind, as it may be at any time.
  await records.stop();
  await cameras.put("new", record);
  const registry = new RulesRegistry(cameraRules, rules, records, log);
  await registry.sweep(cameras);
  expect((await Array.fromAsync(await cameraRules.keys())).sort()).toEqual(["known", "new"]);
  await registry.stop();
  await rules.stop();
  await nats.connection.close();
  await server.stop();
});
