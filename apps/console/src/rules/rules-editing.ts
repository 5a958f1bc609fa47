import { computed, type Signal, signal } from "@preact/signals";
import { checkDraft, type DraftFault } from "./check-draft.ts";
import { addShape } from "./edit-draft.ts";
import {
  type DraftPart,
  freeName,
  newKey,
  type Point,
  partOf,
  type RulesDraft,
  type Shape,
  withParts,
} from "./rules-draft.ts";
import { nextSketch, openMessage, type Sketch, sketchIsWhole, type Tool } from "./sketch.ts";

const mostUndo = 200;

/** One editing of a camera's rules and privacy masks: the draft, its history, and what is selected. */
export class RulesEditing {
  readonly draft: Signal<RulesDraft>;
  /** As last loaded or saved. */
  readonly saved: Signal<RulesDraft>;
  readonly selected = signal<string | undefined>(undefined);
  readonly tool = signal<Tool>("select");
  /** Corners of the shape that is being drawn; it is part of what is edited, and never lost without a word. */
  readonly sketch = signal<Sketch>([]);
  /** Why what is being drawn cannot be closed; told when that was asked for. */
  readonly openFault = signal("");
  /** Faults that the server found in what was sent; gone with the next change. */
  readonly refused = signal<readonly DraftFault[]>([]);
  readonly faults = computed(() => [...checkDraft(this.draft.value), ...this.refused.value]);
  /** The parts in which the draft differs from what is saved. */
  readonly changedParts = computed(() =>
    (["masks", "rules"] as const).filter((part) => !isSame(part, this.draft.value, this.saved.value)),
  );
  readonly changed = computed(() => this.sketch.value.length > 0 || this.changedParts.value.length > 0);
  /** Times that privacy masks were saved: pictures of before show too much, or too little. */
  readonly masksSaved = signal(0);
  readonly canUndo = computed(() => this.sketch.value.length > 0 || this.#past.value.length > 0);
  readonly #past = signal<readonly RulesDraft[]>([]);
  /** What the newest entry of the past is from: changes of one kind in a row are undone together. */
  #lastAct = "";

  constructor(draft: RulesDraft) {
    this.draft = signal(draft);
    this.saved = signal(draft);
  }

  /** Changes the draft. Acts of the same non-empty name in a row, such as a drag, count as one. */
  edit(next: RulesDraft, act = ""): void {
    const before = this.draft.peek();
    if (act === "" || act !== this.#lastAct)
      this.#past.value = [...this.#past.peek(), before].slice(-mostUndo);
    this.#lastAct = act;
    this.refused.value = [];
    this.draft.value = next;
  }

  undo(): void {
    const open = this.sketch.peek();
    if (open.length > 0) {
      this.#sketchOn(open.slice(0, -1));
      return;
    }
    const before = this.#past.peek().at(-1);
    if (!before) return;
    this.#past.value = this.#past.peek().slice(0, -1);
    this.#lastAct = "";
    this.refused.value = [];
    this.draft.value = { ...before, etag: this.draft.peek().etag };
  }

  /** Ends a row of acts that count as one. */
  endAct(): void {
    this.#lastAct = "";
  }

  /** Takes another tool, once what is being drawn is closed. */
  choose(tool: Tool): void {
    if (this.closeSketch()) this.tool.value = tool;
  }

  /** Takes a click into what is being drawn; see `nextSketch`. */
  sketchTo(point: Point, reach: Point): void {
    const tool = this.tool.peek();
    if (tool === "select") return;
    const { points, whole } = nextSketch(tool, this.sketch.peek(), point, reach);
    this.#sketchOn(points);
    if (whole) this.closeSketch();
  }

  /** Makes a shape of what is being drawn. Returns whether nothing is open any more; `openFault` says why something is. */
  closeSketch(): boolean {
    const tool = this.tool.peek();
    const points = this.sketch.peek();
    if (tool === "select" || points.length === 0) return true;
    if (!sketchIsWhole(tool, points)) {
      this.openFault.value = openMessage(tool, points);
      return false;
    }
    this.draw(tool, points);
    return true;
  }

  /** Gives up what is being drawn. */
  dropSketch(): void {
    this.#sketchOn([]);
    this.tool.value = "select";
  }

  #sketchOn(points: Sketch): void {
    this.sketch.value = points;
    this.openFault.value = "";
  }

  /** Adds what a tool has drawn and selects it. */
  draw(tool: Exclude<Tool, "select">, points: readonly Point[]): void {
    const draft = this.draft.peek();
    const key = newKey();
    const kind: Shape["kind"] = tool === "exclude" || tool === "include" ? "mask" : tool;
    const name = kind === "zone" || kind === "line" ? freeName(draft, kind) : "";
    this.edit(addShape(draft, { key, kind, name, mode: tool === "include" ? "include" : "exclude", points }));
    this.selected.value = key;
    this.dropSketch();
  }

  /**
   * The server has saved these parts of `sent` as `saved` has them. What was changed while that was on its way stays, and is not saved yet; so does
   * the part that was not saved.
   */
  settle(sent: RulesDraft, saved: RulesDraft, parts: readonly DraftPart[] = ["rules", "masks"]): void {
    const now = this.draft.peek();
    this.saved.value = withParts(this.saved.peek(), saved, parts);
    this.draft.value = now === sent ? withParts(now, saved, parts) : { ...now, etag: this.saved.peek().etag };
    if (parts.includes("masks")) this.masksSaved.value++;
    if (!this.changed.peek()) this.#forget();
  }

  /** Takes what the server has of these parts for the new beginning. */
  take(theirs: RulesDraft, parts: readonly DraftPart[]): void {
    this.settle(this.draft.peek(), theirs, parts);
    this.selected.value = undefined;
    this.#forget();
  }

  #forget(): void {
    this.refused.value = [];
    this.#past.value = [];
    this.#lastAct = "";
  }
}

function isSame(part: DraftPart, a: RulesDraft, b: RulesDraft): boolean {
  const content = ({ shapes, rules }: RulesDraft) => [
    shapes.filter((shape) => partOf(shape) === part),
    part === "rules" ? rules : [],
  ];
  return a === b || JSON.stringify(content(a)) === JSON.stringify(content(b));
}
