import { expect, test } from "vitest";
import { placesFromEnvironment, portsFromEnvironment } from "./environment.ts";
import { standardPorts } from "./stack-layout.ts";

test("settings choose ports and keep their host; the rest is standard", () => {
  const env = { SIGHTLINE_GRPC: "0.0.0.0:6000", SIGHTLINE_NATS_URL: "nats://127.0.0.1:6001", OTHER: "x" };
  expect(portsFromEnvironment(standardPorts, env)).toEqual({
    ports: { ...standardPorts, grpc: 6000, nats: 6001 },
    env: { SIGHTLINE_GRPC: "0.0.0.0:6000", SIGHTLINE_NATS_URL: "nats://127.0.0.1:6001" },
  });
});

test("a setting without a port is an error that names it", () => {
  expect(() => portsFromEnvironment(standardPorts, { SIGHTLINE_GRPC: "here" })).toThrow(
    /SIGHTLINE_GRPC = "here": expected HOST:PORT/,
  );
});

test("NATS on another machine, or on several, is not what is started here, and its password is not shown", () => {
  for (const url of ["nats://user:sesame@nats.lan", "nats://127.0.0.1:4222,nats://user:sesame@nats.lan:1"]) {
    const start = () => portsFromEnvironment(standardPorts, { SIGHTLINE_NATS_URL: url });
    expect(start).toThrow(/^SIGHTLINE_NATS_URL = .*nats\.lan.*: NATS is started on this machine/);
    expect(start).not.toThrow("sesame");
  }
});

test("NATS may be several servers, in each form that the services take", () => {
  const url = "nats://a.lan:1, tls://user:sesame@b.lan,[::1]:2,c.lan";
  expect(
    placesFromEnvironment("nats", { SIGHTLINE_NATS_URL: url }).map(({ host, port }) => [host, port]),
  ).toEqual([
    ["a.lan", 1],
    ["b.lan", 4222],
    ["::1", 2],
    ["c.lan", 4222],
  ]);
  expect(placesFromEnvironment("nats", {})).toEqual([]);
  const wrong = () => placesFromEnvironment("nats", { SIGHTLINE_NATS_URL: "nats://user:sesame@b.lan:99999" });
  expect(wrong).toThrow(/expected nats:\/\/HOST:PORT/);
  expect(wrong).not.toThrow("sesame");
});
