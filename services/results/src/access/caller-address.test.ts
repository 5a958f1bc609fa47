import { expect, test } from "vitest";
import { isNetwork, TrustedProxies } from "./caller-address.ts";

test("who calls through proxies is the last address that none of them has", () => {
  const proxies = new TrustedProxies(["127.0.0.1", "10.0.0.0/8", "fd00::/8"]);
  const from = (peer: string, forwarded?: string) => proxies.client(peer, forwarded);
  expect(from("192.0.2.1", "198.51.100.7")).toBe("192.0.2.1");
  expect(from("127.0.0.1")).toBe("127.0.0.1");
  expect(from("127.0.0.1", "198.51.100.7")).toBe("198.51.100.7");
  expect(from("127.0.0.1", "203.0.113.9, 198.51.100.7, 10.1.2.3")).toBe("198.51.100.7");
  expect(from("fd00::1", "2001:db8::5")).toBe("2001:db8::5");
  expect(from("127.0.0.1", "no address")).toBe("127.0.0.1");
  expect(new TrustedProxies([]).client("127.0.0.1", "198.51.100.7")).toBe("127.0.0.1");
});

test("a network is an address, with or without bits", () => {
  for (const text of ["127.0.0.1", "10.0.0.0/8", "::1", "fd00::/8"]) expect(isNetwork(text), text).toBe(true);
  for (const text of ["", "proxy", "10.0.0.0/33", "10.0.0.0/8/8", "::1/129"])
    expect(isNetwork(text), text).toBe(false);
});
