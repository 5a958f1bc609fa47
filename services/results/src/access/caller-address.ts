import { BlockList, isIP, isIPv6 } from "node:net";

/** Proxies whose headers about a caller's address are trusted. */
export class TrustedProxies {
  readonly #networks = new BlockList();

  /** `networks` are addresses, or networks such as `10.0.0.0/8`. */
  constructor(networks: readonly string[]) {
    for (const text of networks) {
      const [address = "", bits] = text.split("/");
      const family = isIP(address) === 6 ? "ipv6" : "ipv4";
      if (bits === undefined) this.#networks.addAddress(address, family);
      else this.#networks.addSubnet(address, Number(bits), family);
    }
  }

  /**
   * The address that a call from `peer` comes from: the last one in `forwardedFor` (X-Forwarded-For, nearest last) that is not a trusted
   * proxy. Addresses before it may be forged.
   */
  client(peer: string, forwardedFor: string | undefined): string {
    const path = [...(forwardedFor ?? "").split(",").map((text) => text.trim()), peer];
    let address = peer;
    for (let at = path.length - 1; at >= 0 && isIP(path[at]!) !== 0; at--) {
      address = path[at]!;
      if (!this.#trusts(address)) break;
    }
    return address;
  }

  #trusts(address: string): boolean {
    return this.#networks.check(address, isIP(address) === 6 ? "ipv6" : "ipv4");
  }
}

/** Whether `text` is an address or a network. */
export function isNetwork(text: string): boolean {
  const [address = "", bits, ...more] = text.split("/");
  const family = isIP(address);
  if (family === 0 || more.length > 0) return false;
  return bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= (family === 6 ? 128 : 32));
}

/** The part of an address that counts as one caller: whoever has one IPv6 address has 2^64 of them. */
export function networkOf(address: string): string {
  if (!isIPv6(address) || address.startsWith("::ffff:")) return address.replace(/^::ffff:/, "");
  const [head = "", tail = ""] = address.split("::");
  const groups = head.split(":").filter(Boolean);
  const rest = tail.split(":").filter(Boolean);
  const all = [...groups, ...Array<string>(Math.max(0, 8 - groups.length - rest.length)).fill("0"), ...rest];
  return `${all.slice(0, 4).join(":")}::/64`;
}
