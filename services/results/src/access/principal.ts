import { mayAs, type RoleName, roles, type TokenRecord, type UserRecord } from "@sightline/contracts";
import { CameraScope, type LabelledCameras, noLabels } from "./camera-scope.ts";

export type Role = RoleName;

/** How a caller was identified: because access is open, by a login or certificate, by a token, or as one of our services. */
export type PrincipalKind = "local" | "user" | "token" | "service";

export interface PrincipalOptions {
  name: string;
  role: Role;
  /** Ids of cameras, id prefixes followed by '*', labels as `key=value`, or '*'. */
  cameras: readonly string[];
  kind: PrincipalKind;
  /** The user, or the user of the token. */
  user?: string | undefined;
  /** Cameras of the token's user, which limit those of the token. */
  within?: readonly string[] | undefined;
  /** The cameras that these labels stand for. */
  labels?: LabelledCameras | undefined;
  /** Id of the token, or hash of the session, that identified it. */
  token?: string | undefined;
  session?: string | undefined;
}

/** A caller and its permissions. It never changes: when the user or token changes, it ends, and a new one replaces it. */
export class Principal {
  readonly name: string;
  readonly role: Role;
  readonly kind: PrincipalKind;
  readonly user: string | undefined;
  readonly token: string | undefined;
  readonly session: string | undefined;
  /** Its cameras, as they were given; `scope` decides for each camera. */
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

  /** Whether it sees the camera with this id, which need not be registered. */
  sees(camera: string): boolean {
    return this.scope.sees(camera);
  }

  /** Whether it may do what needs this role. */
  mayAs(role: Role): boolean {
    return mayAs(this.role, role);
  }

  /** Whether it has an open stream or socket. */
  get inUse(): boolean {
    return this.#listeners.size > 0;
  }

  /** Why it has ended; undefined while it has not. */
  get ended(): Error | undefined {
    return this.#ended;
  }

  /** Notifies all listeners that its user, token or session was changed, revoked, or has expired. */
  end(reason: Error): void {
    if (this.#ended) return;
    this.#ended = reason;
    for (const listener of [...this.#listeners]) listener(reason);
    this.#listeners.clear();
  }

  /** Calls `listener` once when it ends, at once if it has ended; the returned function removes the listener. */
  onEnd(listener: (reason: Error) => void): () => void {
    if (this.#ended) listener(this.#ended);
    else this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}

/** The principal of everybody while there is no user and only this machine can reach the server. */
export function localPrincipal(): Principal {
  return new Principal({ name: "local", role: "admin", cameras: ["*"], kind: "local" });
}

/** A user, identified by a login or a certificate. */
export function principalOfUser(
  { name, role, cameras }: UserRecord,
  labels: LabelledCameras,
  session?: string,
): Principal {
  return new Principal({ name, role, cameras, kind: "user", user: name, session, labels });
}

/** A token never has more permissions than its user; a login's token has all of its user's present permissions. */
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
