import { createHash, randomBytes } from "node:crypto";

/** The authentication that a scripted camera asks for. */
export interface CameraLogin {
  username: string;
  password: string;
  /** One challenge each, in this order: "Basic" or a Digest algorithm, known or unknown. */
  offers: readonly string[];
  /** Digest with `qop="auth"`. */
  qop?: boolean;
  /** A nonce is valid for this many requests; then the camera calls it stale. */
  nonceUses?: number;
}

const hashes: Readonly<Record<string, string>> = { MD5: "md5", "SHA-256": "sha256" };
const realm = "IP Camera";

/** Checks requests as a camera does (RFC 7616). Written separately from the client's code, so that both do not make the same mistake. */
export class LoginCheck {
  readonly #login: CameraLogin;
  #nonce = randomBytes(8).toString("hex");
  #uses = 0;
  #stale = false;

  constructor(login: CameraLogin) {
    this.#login = login;
  }

  /** WWW-Authenticate headers. */
  get challenges(): string[] {
    const stale = this.#stale ? ", stale=true" : "";
    const qop = this.#login.qop ? ', qop="auth"' : "";
    return this.#login.offers.map((offer) =>
      offer === "Basic"
        ? `Basic realm="${realm}"`
        : `Digest realm="${realm}", nonce="${this.#nonce}", algorithm=${offer}${qop}${stale}`,
    );
  }

  accepts(method: string, authorization: string | undefined): boolean {
    this.#stale = false;
    const { username, password, offers, nonceUses = Number.POSITIVE_INFINITY } = this.#login;
    const [scheme = "", rest = ""] = (authorization ?? "").split(/ (.*)/s);
    if (scheme === "Basic")
      return offers.includes("Basic") && Buffer.from(rest, "base64").toString() === `${username}:${password}`;
    if (scheme !== "Digest") return false;
    const fields = new Map<string, string>();
    for (const [, name, quoted, plain] of rest.matchAll(/(\w+)=(?:"((?:[^"\\]|\\.)*)"|([^\s,]+))/g))
      fields.set(name!, quoted?.replace(/\\(.)/g, "$1") ?? plain!);
    const algorithm = fields.get("algorithm") ?? "MD5";
    const hash = hashes[algorithm.replace(/-sess$/i, "")];
    if (!offers.includes(algorithm) || hash === undefined) return false;
    if (fields.get("nonce") !== this.#nonce || ++this.#uses > nonceUses) {
      this.#stale = true;
      this.#uses = 0;
      this.#nonce = randomBytes(8).toString("hex");
      return false;
    }
    const digest = (text: string) => createHash(hash).update(text).digest("hex");
    let secret = digest(`${username}:${realm}:${password}`);
    if (/-sess$/i.test(algorithm)) secret = digest(`${secret}:${this.#nonce}:${fields.get("cnonce")}`);
    const middle = this.#login.qop ? `${fields.get("nc")}:${fields.get("cnonce")}:auth:` : "";
    const request = digest(`${method}:${fields.get("uri")}`);
    return (
      fields.get("username") === username &&
      fields.get("response") === digest(`${secret}:${this.#nonce}:${middle}${request}`)
    );
  }
}
