import { type CameraRecord, cameraIdOf, hasLabels, isLabelPattern, type Labels } from "@sightline/contracts";
import type { KvMirror } from "@sightline/service";

/** Which cameras have which labels now; rules of access that name a label stand for these cameras. */
export class CameraLabels {
  readonly #records: Pick<KvMirror<CameraRecord>, "get" | "keys" | "onChange">;

  constructor(records: Pick<KvMirror<CameraRecord>, "get" | "keys" | "onChange">) {
    this.#records = records;
  }

  /** Ids of the cameras that have the label, given as `key=value`. */
  idsWith(label: string): string[] {
    return this.#records.keys().filter((id) => hasLabels(this.of(id), [label]));
  }

  /** Labels of a camera; none when it is not registered. */
  of(id: string): Labels {
    return this.#records.get(id)?.labels ?? {};
  }

  /** Calls `listener` when a camera was registered, changed or removed, until the returned function is called. */
  onChange(listener: () => void): () => void {
    return this.#records.onChange(() => listener());
  }
}

/** What stands behind the labels in a rule of access. */
export type LabelledCameras = Pick<CameraLabels, "idsWith">;

/** Labels while no camera is known. */
export const noLabels: LabelledCameras = { idsWith: () => [] };

/** Most ids whose answer is remembered; callers may ask about any. */
const maxRemembered = 10_000;

/**
 * Which cameras one sees: ids, beginnings of ids with '*' behind them, labels as `key=value`, or '*' for all. A label stands for the
 * cameras that had it when the scope was made; `isStale` tells when these are others.
 */
export class CameraScope {
  readonly all: boolean;
  /** Ids of all that is seen; undefined when there are beginnings of ids, or all are seen. */
  readonly ids: readonly string[] | undefined;
  /** The same for scopes of the same cameras; empty for all cameras. */
  readonly key: string;
  /** What is asked of it for each message, without going through the patterns again. */
  readonly #known = new Map<string, boolean>();
  readonly #lists: readonly (readonly string[])[];
  readonly #named: readonly (readonly string[])[];
  readonly #tests: readonly ((id: string) => boolean)[];

  /** Of what `patterns` name and, if given, `within` names too. */
  constructor(patterns: readonly string[], within: readonly string[] = ["*"], labels = noLabels) {
    const lists = [patterns, within].filter((list) => !list.includes("*"));
    const named = lists.map((list) => withoutLabels(list, labels));
    this.all = lists.length === 0;
    this.key = keyOf(named);
    const exact = named.find((list) => list.every((pattern) => !pattern.endsWith("*")));
    this.ids = exact?.filter((id) => named.every((list) => matcher(list)(id)));
    this.#lists = lists;
    this.#named = named;
    this.#tests = named.map(matcher);
  }

  /** Whether the labels that it names stand for other cameras than when it was made. */
  isStale(labels: LabelledCameras): boolean {
    const isLabelled = this.#lists.some((list) => list.some(isLabelPattern));
    return isLabelled && this.key !== keyOf(this.#lists.map((list) => withoutLabels(list, labels)));
  }

  /** Whether the camera of this id would be seen if it had these labels. */
  wouldSee(id: string, labels: Labels): boolean {
    const has = (pattern: string) => isLabelPattern(pattern) && hasLabels(labels, [pattern]);
    return this.#lists.every((list) => matcher(list)(id) || list.some(has));
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

  /** Whether a camera whose id begins so may be seen, whichever there are. */
  seesSome(beginning: string): boolean {
    const allows = (pattern: string) =>
      pattern.startsWith(beginning) || (pattern.endsWith("*") && beginning.startsWith(pattern.slice(0, -1)));
    return this.all || this.#named.every((list) => list.some(allows));
  }

  /** The same for `cameras/{camera}`; what is no camera's name is not seen. */
  seesName(name: string): boolean {
    if (this.all) return true;
    const id = cameraIdOf(name);
    return id !== undefined && this.sees(id);
  }

  /** Whether every id that the pattern names is seen, whichever cameras have which labels: a label is covered by itself only. */
  seesPattern(pattern: string): boolean {
    const isBeginning = (own: string) => own.endsWith("*") && !isLabelPattern(pattern);
    return (
      this.all ||
      this.#lists.every((list) =>
        list.some((own) => (isBeginning(own) ? pattern.startsWith(own.slice(0, -1)) : own === pattern)),
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

/** The patterns with the ids of cameras instead of labels. */
function withoutLabels(patterns: readonly string[], labels: LabelledCameras): string[] {
  const named = patterns.flatMap((each) => (isLabelPattern(each) ? labels.idsWith(each) : [each]));
  return [...new Set(named)].sort();
}

/** Of no list empty, and of a list without a camera not: one who sees none is not one who sees all. */
function keyOf(lists: readonly (readonly string[])[]): string {
  return lists.map((list) => `(${list.join()})`).join("&");
}

function matcher(patterns: readonly string[]): (id: string) => boolean {
  const ids = new Set(patterns);
  const beginnings = patterns.flatMap((pattern) => (pattern.endsWith("*") ? [pattern.slice(0, -1)] : []));
  return (id) => ids.has(id) || beginnings.some((beginning) => id.startsWith(beginning));
}
