import { expect, test } from "vitest";
import { CameraNetworks } from "./camera-networks.ts";

test.each([
  // What is refused with no list at all.
  ["", "192.168.1.20", true],
  ["", "127.0.0.1", true],
  ["", "2001:db8::5", true],
  ["", "169.254.169.254", false],
  ["", "::ffff:169.254.169.254", false],
  ["", "::ffff:a9fe:a9fe", false],
  ["", "64:ff9b::169.254.169.254", false],
  ["", "fe80::1", false],
  ["", "fe80::1%eth0", false],
  ["", "fd00:ec2::254", false],
  ["", "100.100.100.200", false],
  ["", "no-address", false],
  // A network that is allowed denies all others.
  ["10.0.0.0/8, 192.168.1.0/24", "10.1.2.3", true],
  ["10.0.0.0/8, 192.168.1.0/24", "::ffff:10.1.2.3", true],
  ["10.0.0.0/8, 192.168.1.0/24", "192.168.2.1", false],
  ["10.0.0.0/8", "2001:db8::5", false],
  // What is denied is denied whatever allows it.
  ["10.0.0.0/8 !10.0.0.5", "10.0.0.5", false],
  ["!127.0.0.0/8 !::1", "127.0.0.1", false],
  ["!127.0.0.0/8 !::1", "::1", false],
  ["!127.0.0.0/8", "10.0.0.1", true],
  // All addresses are not meant to be metadata services; a network of their own is.
  ["0.0.0.0/0", "169.254.169.254", false],
  ["169.254.10.0/24", "169.254.10.7", true],
  ["169.254.10.0/24", "169.254.169.254", false],
  ["169.254.0.0/16 !169.254.169.254", "169.254.169.254", false],
])("with the list '%s', %s is allowed: %s", (list, address, allowed) => {
  expect(CameraNetworks.parse(list).allows(address)).toBe(allowed);
});

test.each(["10.0.0.0/33", "10.0.0.0/", "10.0.0", "cam.local", "10.0.0.0/8/8", "::1/129", "10.0.0.0/-1"])(
  "refuses '%s' as a network",
  (entry) => {
    expect(() => CameraNetworks.parse(`192.168.0.0/16,${entry}`)).toThrow(
      expect.objectContaining({ code: "networks_invalid" }),
    );
  },
);
