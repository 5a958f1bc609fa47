import { mayAs, type RoleName, roles, type TokenRecord, type UserRecord } from "@sightline/contracts";
import { CameraScope, type LabelledCameras, noLabels } from "./camera-scope.ts";

export type Role = RoleName;

/** How a caller was known: because everything is open, by a login or certificate, by a token, or as a service of ours. */
export type PrincipalKind = "local" | "user" | "token" | "service";

export interface PrincipalOptions {
  name: string;
  role: Role;
  /** Ids of cameras, beginnings of ids with '*' behind them, labels as `key=value`, or '*'. */
  cameras: readonly string[];
  kind: PrincipalKind;
  /** The user it is, or whose token it is. */
  user?: string | undefined;
  /** Cameras of the token's user, which bound those of the token. */
  within?: readonly string[] | undefined;
  /** Which cameras the labels among these stand for. */
  labels?: LabelledCameras | undefined;
  /** Id of the token, or hash of the session, by which it was known. */
  token?: string | undefined;
  session?: string | undefined;
}

/** Who calls, and what they may do. It never changes: when the user or token does, it ends, and there is another. */
export class Principal {
  readonly name: string;
  readonly role: Role;
  readonly kind: PrincipalKind;
  readonly user: string | undefined;
  readonly token: string | undefined;
  readonly session: string | undefined;
  /** What it sees, as it was given; `scope` answers for each camera. */
  readonly cameras: readonly string[];
  readonly scope: CameraScope;
  readonly #listeners = new Set<(reason: Error) => void>();
  #ended: Error | undefined;

  constructor({
    name,
    role,
    cameras,
    kind,
    user,
    within,
    token,
    session,
    labels = noLabels,
  }: PrincipalOptions) {
    this.name = name;
    this.token = token;
    this.session = session;
    this.cameras = cameras.includes("*") && within ? within : cameras;
    this.role = role;
    this.kind = kind;
    this.user = user;
    this.scope = new CameraScope(cameras, within, labels);
  }

  /** Whether it sees the camera of this id, which need not be registered. */
  sees(camera: string): boolean {
    return this.scope.sees(camera);
  }

  /** Whether it may what needs this role. */
  mayAs(role: Role): boolean {
    return mayAs(this.role, role);
  }

  /** Whether a stream or socket of it is open. */
  get inUse(): boolean {
    return this.#listeners.size > 0;
  }

  /** Why it is no more; undefined while it is. */
  get ended(): Error | undefined {
    return this.#ended;
  }

  /** Tells all who listen that what it stands for was changed, revoked, or has expired. */
  end(reason: Error): void {
    if (this.#ended) return;
    this.#ended = reason;
    for (const listener of [...this.#listeners]) listener(reason);
    this.#listeners.clear();
  }

  /** Calls `listener` once when it ends, at once if it has; the returned function takes that back. */
  onEnd(listener: (reason: Error) => void): () => void {
    if (this.#ended) listener(this.#ended);
    else this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}

/** Who everybody is while there is no user and the server is reached from its own machine only. */
export function localPrincipal(): Principal {
  return new Principal({ name: "local", role: "admin", cameras: ["*"], kind: "local" });
}

/** A user, by a login or a certificate. */
export function principalOfUser(
  { name, role, cameras }: UserRecord,
  labels: LabelledCameras,
  session?: string,
): Principal {
  return new Principal({ name, role, cameras, kind: "user", user: name, session, labels });
}

/** A token never may more than its user; one of a login may all that its user may now. */
export function principalOfToken(
  token: TokenRecord,
  user: UserRecord | undefined,
  labels: LabelledCameras,
): Principal {
  return new Principal({
    name: user?.name ?? token.name,
    role: !user ? token.role : token.login ? user.role : lesser(token.role, user.role),
    cameras: user && token.login ? ["*"] : token.cameras,
    within: user?.cameras,
    kind: "token",
    user: user?.name,
    token: token.id,
    labels,
  });
}

function lesser(a: RoleName, b: RoleName): RoleName {
  return roles.indexOf(a) < roles.indexOf(b) ? a : b;
}
