import { type CameraRecord, cameraIdOf, hasLabels, isLabelPattern, type Labels } from "@sightline/contracts";
import type { KvMirror } from "@sightline/service";

/** The present labels of cameras; access rules with a label apply to these cameras. */
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

/** The cameras behind the labels of an access rule. */
export type LabelledCameras = Pick<CameraLabels, "idsWith">;

/** Labels while no camera is known. */
export const noLabels: LabelledCameras = { idsWith: () => [] };

/** Most ids whose result is remembered; callers may ask about any id. */
const maxRemembered = 10_000;

/**
 * The visible cameras: ids, id prefixes followed by '*', labels as `key=value`, or '*' for all. A label stands for the cameras that had it
 * when the scope was created; `isStale` tells when these have changed.
 */
export class CameraScope {
  readonly all: boolean;
  /** All visible ids; undefined when there are prefixes, or all are visible. */
  readonly ids: readonly string[] | undefined;
  /** Equal for scopes of the same cameras; empty for all cameras. */
  readonly key: string;
  /** Known results, since each message needs one: avoids checking the patterns again. */
  readonly #known = new Map<string, boolean>();
  readonly #lists: readonly (readonly string[])[];
  readonly #named: readonly (readonly string[])[];
  readonly #tests: readonly ((id: string) => boolean)[];

  /** The cameras that match `patterns` and, if given, also `within`. */
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

  /** Whether its labels stand for other cameras than when it was created. */
  isStale(labels: LabelledCameras): boolean {
    const isLabelled = this.#lists.some((list) => list.some(isLabelPattern));
    return isLabelled && this.key !== keyOf(this.#lists.map((list) => withoutLabels(list, labels)));
  }

  /** Whether a camera with this id and these labels would be visible. */
  wouldSee(id: string, labels: Labels): boolean {
    const has = (pattern: string) => isLabelPattern(pattern) && hasLabels(labels, [pattern]);
    return this.#lists.every((list) => matcher(list)(id) || list.some(has));
  }

  /** Whether the camera with this id is visible. */
  sees(id: string): boolean {
    if (this.all) return true;
    const known = this.#known.get(id);
    if (known !== undefined) return known;
    const seen = this.#tests.every((test) => test(id));
    if (this.#known.size >= maxRemembered) this.#known.clear();
    this.#known.set(id, seen);
    return seen;
  }

  /** Whether any id with this prefix may be visible, even if it is not registered. */
  seesSome(beginning: string): boolean {
    const allows = (pattern: string) =>
      pattern.startsWith(beginning) || (pattern.endsWith("*") && beginning.startsWith(pattern.slice(0, -1)));
    return this.all || this.#named.every((list) => list.some(allows));
  }

  /** The same for `cameras/{camera}`; invalid camera names are not visible. */
  seesName(name: string): boolean {
    if (this.all) return true;
    const id = cameraIdOf(name);
    return id !== undefined && this.sees(id);
  }

  /** Whether all ids of the pattern are visible, whatever labels cameras have: only the same label covers a label. */
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

/** Scope of callers who see every camera. */
export const allCameras = new CameraScope(["*"]);

/** Whether all cameras that match `patterns` are visible in the scope. */
export function covers(scope: CameraScope, patterns: readonly string[]): boolean {
  return scope.all || patterns.every((pattern) => scope.seesPattern(pattern));
}

/** The patterns, with camera ids in place of labels. */
function withoutLabels(patterns: readonly string[], labels: LabelledCameras): string[] {
  const named = patterns.flatMap((each) => (isLabelPattern(each) ? labels.idsWith(each) : [each]));
  return [...new Set(named)].sort();
}

/** Empty without a list, but not for an empty list: seeing no camera is different from seeing all. */
function keyOf(lists: readonly (readonly string[])[]): string {
  return lists.map((list) => `(${list.join()})`).join("&");
}

function matcher(patterns: readonly string[]): (id: string) => boolean {
  const ids = new Set(patterns);
  const beginnings = patterns.flatMap((pattern) => (pattern.endsWith("*") ? [pattern.slice(0, -1)] : []));
  return (id) => ids.has(id) || beginnings.some((beginning) => id.startsWith(beginning));
}
