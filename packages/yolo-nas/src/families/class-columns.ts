/** The names of the classes, and their columns in the scores. */
import { COCO_CLASSES } from "../architecture/architectures.ts";
import { InvalidArgumentError } from "../errors.ts";

/** Numbers that are unused in COCO's categories 1…90. */
const COCO_GAPS = new Set([12, 26, 29, 30, 45, 66, 68, 69, 71, 83]);
/** The column of each of COCO's 80 classes in scores that are ordered by category number. */
const COCO_COLUMNS = Array.from({ length: 91 }, (_, id) => id).filter((id) => id > 0 && !COCO_GAPS.has(id));

export interface ClassColumns {
  readonly names: readonly string[];
  /** Number of columns before the choice. */
  readonly width: number;
  /** Undefined when all columns are used in their order. */
  readonly chosen: readonly number[] | undefined;
  /** What the user must know about the classes; undefined when nothing is special. */
  readonly note: string | undefined;
}

/**
 * @param width columns of scores; undefined when candidates carry a class's number
 * @throws InvalidArgumentError when the numbers of names and columns differ, or neither is known
 */
export function classColumns(width: number | undefined, names: readonly string[] | undefined): ClassColumns {
  if (width === undefined) {
    if (names) return { names, width: names.length, chosen: undefined, note: undefined };
    throw new InvalidArgumentError(
      "The export names a class by its number only, and says nowhere how many there are: give --classes NAMES, `coco`, or a file with one name a line.",
    );
  }
  if (width === 91 && (!names || names.length === 80))
    return {
      names: names ?? COCO_CLASSES,
      width,
      chosen: COCO_COLUMNS,
      note: "its 91 columns are COCO's category numbers, of which 80 are used",
    };
  if (!names && width === 80)
    return {
      names: COCO_CLASSES,
      width,
      chosen: undefined,
      note: "80 classes without names are taken to be COCO's",
    };
  if (!names) {
    const numbered = Array.from({ length: width }, (_, i) => `class${i}`);
    return {
      names: numbered,
      width,
      chosen: undefined,
      note: "its classes have no names: --classes gives them",
    };
  }
  if (names.length === width) return { names, width, chosen: undefined, note: undefined };
  if (names.length < width) {
    const chosen = names.map((_, column) => column);
    const note = `only the first ${names.length} of its ${width} columns are classes that were named; the rest (no object, masks, key points) is not used`;
    return { names, width, chosen, note };
  }
  throw new InvalidArgumentError(`The model predicts ${width} classes but ${names.length} names were given.`);
}

/** Names that an exporter left in the file: JSON under `classes`, or `{0: 'person', …}` under `names`. */
export function recordedNames(metadata: ReadonlyMap<string, string>): readonly string[] | undefined {
  const listed = metadata.get("classes");
  if (listed !== undefined) {
    try {
      const value: unknown = JSON.parse(listed);
      if (Array.isArray(value) && value.every((name) => typeof name === "string")) return value;
    } catch {
      // Another exporter's field with the same name.
    }
  }
  const found = [...(metadata.get("names") ?? "").matchAll(/(\d+)\s*:\s*(?:'([^']*)'|"([^"]*)")/g)];
  const names = found.map(([, , single, double]) => single ?? double ?? "");
  const numbered = found.every(([, number], index) => Number(number) === index);
  return names.length > 0 && numbered ? names : undefined;
}
