import { BlockList, isIP } from "node:net";
import { RtspError } from "../errors.ts";

/**
 * Networks where no camera is, but where a camera's address or redirect could make us read something: link-local addresses, including the
 * metadata services of clouds (169.254.169.254 and others with their own addresses), also in the form that IPv6 translates them to.
 */
const refusedByDefault = [
  "169.254.0.0/16",
  "fe80::/10",
  "100.100.100.200/32",
  "168.63.129.16/32",
  "192.0.0.192/32",
  "fd00:ec2::/32",
  "fd20:ce::254/128",
  "64:ff9b::a9fe:0/112",
  "2002:a9fe::/32",
];

type Family = "ipv4" | "ipv6";

interface Network {
  address: string;
  prefix: number;
  family: Family;
}

const defaults = listOf(refusedByDefault.map(parseNetwork));

/** Which addresses may be cameras. The check uses the address that is actually connected to, so names and redirects cannot bypass it. */
export class CameraNetworks {
  readonly #allowed: BlockList | undefined;
  readonly #denied: BlockList;
  /** Allowed networks inside the ranges that are refused by default: the user named them on purpose. */
  readonly #excepted: BlockList;

  private constructor(allowed: readonly Network[], denied: readonly Network[]) {
    this.#allowed = allowed.length > 0 ? listOf(allowed) : undefined;
    this.#denied = listOf(denied);
    this.#excepted = listOf(allowed.filter(({ address, family }) => defaults.check(address, family)));
  }

  /**
   * Reads a list separated by commas or blanks: `10.0.0.0/8` allows a network, `!10.0.0.5` denies one. As soon as one network is allowed,
   * all others are denied. An empty list allows all but link-local and metadata addresses; those need a network of their own in the list,
   * such as `169.254.0.0/16`.
   * @throws RtspError networks_invalid
   */
  static parse(text: string): CameraNetworks {
    const entries = text.split(/[\s,]+/).filter((entry) => entry !== "");
    const denied = entries.filter((entry) => entry.startsWith("!")).map((entry) => entry.slice(1));
    const allowed = entries.filter((entry) => !entry.startsWith("!"));
    return new CameraNetworks(allowed.map(parseNetwork), denied.map(parseNetwork));
  }

  /** Whether a camera may have this IP address. */
  allows(address: string): boolean {
    const family = familyOf(address);
    if (!family) return false;
    if (this.#denied.check(address, family)) return false;
    if (defaults.check(address, family)) return this.#excepted.check(address, family);
    return this.#allowed?.check(address, family) ?? true;
  }
}

function parseNetwork(entry: string): Network {
  const [address = "", length, ...rest] = entry.split("/");
  const family = familyOf(address);
  const bits = family === "ipv4" ? 32 : 128;
  const prefix = length === undefined ? bits : Number(length);
  if (!family || rest.length > 0 || !/^\d*$/.test(length ?? "") || length === "" || prefix > bits)
    throw new RtspError(
      "networks_invalid",
      `'${entry}' is not a network; expected an address or CIDR such as 192.168.0.0/16, with '!' before it to deny it`,
    );
  return { address, prefix, family };
}

function listOf(networks: readonly Network[]): BlockList {
  const list = new BlockList();
  for (const { address, prefix, family } of networks) list.addSubnet(address, prefix, family);
  return list;
}

function familyOf(address: string): Family | undefined {
  const version = isIP(address);
  return version === 4 ? "ipv4" : version === 6 ? "ipv6" : undefined;
}

/** Where cameras may be. */
export interface CameraAccess {
  networks: CameraNetworks;
  /**
   * Where a camera may redirect to: its own host only, or any address that `networks` allows. User and password are sent to the camera's
   * own host only.
   */
  redirects: "same-host" | "any";
  /** Folder whose files may be played as cameras; without it no file may be played. */
  files?: string | undefined;
}

/** Used when nobody configured anything else. */
export const defaultAccess: CameraAccess = { networks: CameraNetworks.parse(""), redirects: "same-host" };
