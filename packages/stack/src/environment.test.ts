import { expect, test } from "vitest";
import { portsFromEnvironment } from "./environment.ts";
import { standardPorts } from "./stack.ts";

test("settings choose ports and keep their host; the rest is standard", () => {
  const env = { SIGHTLINE_GRPC: "0.0.0.0:6000", SIGHTLINE_NATS_URL: "nats://127.0.0.1:6001", OTHER: "x" };
  expect(portsFromEnvironment(standardPorts, env)).toEqual({
    ports: { ...standardPorts, grpc: 6000, nats: 6001 },
    env: { SIGHTLINE_GRPC: "0.0.0.0:6000", SIGHTLINE_NATS_URL: "nats://127.0.0.1:6001" },
  });
});

test("a setting without a port is an error that names it", () => {
  expect(() => portsFromEnvironment(standardPorts, { SIGHTLINE_GRPC: "here" })).toThrow(
    /SIGHTLINE_GRPC = "here"/,
  );
  const secret = { SIGHTLINE_NATS_URL: "nats://user:sesame@nats.lan" };
  expect(() => portsFromEnvironment(standardPorts, secret)).toThrow('"nats://nats.lan": expected HOST:PORT');
});
