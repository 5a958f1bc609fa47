import { cameraIdOf } from "@sightline/contracts";

/** Most ids whose answer is remembered; callers may ask about any. */
const maxRemembered = 10_000;

/** Which cameras one sees: ids, beginnings of ids with '*' behind them, or '*' for all. */
export class CameraScope {
  readonly all: boolean;
  /** Ids of all that is seen; undefined when there are beginnings of ids, or all are seen. */
  readonly ids: readonly string[] | undefined;
  /** The same for scopes that were made of the same patterns; empty for all cameras. */
  readonly key: string;
  /** What is asked of it for each message, without going through the patterns again. */
  readonly #known = new Map<string, boolean>();
  readonly #lists: readonly (readonly string[])[];
  readonly #tests: readonly ((id: string) => boolean)[];

  /** Of what `patterns` name and, if given, `within` names too. */
  constructor(patterns: readonly string[], within: readonly string[] = ["*"]) {
    const lists = [patterns, within].filter((list) => !list.includes("*"));
    this.all = lists.length === 0;
    this.key = lists.map((list) => [...new Set(list)].sort().join()).join("&");
    const exact = lists.find((list) => list.every((pattern) => !pattern.endsWith("*")));
    this.ids = exact?.filter((id) => lists.every((list) => matcher(list)(id)));
    this.#lists = lists;
    this.#tests = lists.map(matcher);
  }

  /** Whether the camera of this id is seen. */
  sees(id: string): boolean {
    if (this.all) return true;
    const known = this.#known.get(id);
    if (known !== undefined) return known;
    const seen = this.#tests.every((test) => test(id));
    if (this.#known.size >= maxRemembered) this.#known.clear();
    this.#known.set(id, seen);
    return seen;
  }

  /** The same for `cameras/{camera}`; what is no camera's name is not seen. */
  seesName(name: string): boolean {
    if (this.all) return true;
    const id = cameraIdOf(name);
    return id !== undefined && this.sees(id);
  }

  /** Whether every id that the pattern names is seen. */
  seesPattern(pattern: string): boolean {
    return (
      this.all ||
      this.#lists.every((list) =>
        list.some((own) => (own.endsWith("*") ? pattern.startsWith(own.slice(0, -1)) : own === pattern)),
      )
    );
  }
}

/** Scope of those who see every camera. */
export const allCameras = new CameraScope(["*"]);

/** Whether all that `patterns` name is seen by the scope. */
export function covers(scope: CameraScope, patterns: readonly string[]): boolean {
  return scope.all || patterns.every((pattern) => scope.seesPattern(pattern));
}

function matcher(patterns: readonly string[]): (id: string) => boolean {
  const ids = new Set(patterns);
  const beginnings = patterns.flatMap((pattern) => (pattern.endsWith("*") ? [pattern.slice(0, -1)] : []));
  return (id) => ids.has(id) || beginnings.some((beginning) => id.startsWith(beginning));
}
