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

/** One editing session for a camera's rules and privacy masks: the draft, its history, and the selection. */
export class RulesEditing {
  readonly draft: Signal<RulesDraft>;
  /** As last loaded or saved. */
  readonly saved: Signal<RulesDraft>;
  readonly selected = signal<string | undefined>(undefined);
  readonly tool = signal<Tool>("select");
  /** Corners of the shape being drawn; it is part of the draft, and never lost silently. */
  readonly sketch = signal<Sketch>([]);
  /** Why the shape being drawn cannot be closed; set when closing was requested. */
  readonly openFault = signal("");
  /** Faults that the server found in the sent draft; cleared by the next change. */
  readonly refused = signal<readonly DraftFault[]>([]);
  readonly faults = computed(() => [...checkDraft(this.draft.value), ...this.refused.value]);
  /** The parts in which the draft differs from the saved state. */
  readonly changedParts = computed(() =>
    (["masks", "rules"] as const).filter((part) => !isSame(part, this.draft.value, this.saved.value)),
  );
  readonly changed = computed(() => this.sketch.value.length > 0 || this.changedParts.value.length > 0);
  /** How often privacy masks were saved: earlier pictures show too much, or too little. */
  readonly masksSaved = signal(0);
  readonly canUndo = computed(() => this.sketch.value.length > 0 || this.#past.value.length > 0);
  readonly #past = signal<readonly RulesDraft[]>([]);
  /** The kind of the last change: consecutive changes of one kind are undone together. */
  #lastAct = "";

  constructor(draft: RulesDraft) {
    this.draft = signal(draft);
    this.saved = signal(draft);
  }

  /** Changes the draft. Consecutive changes with the same non-empty `act`, such as a drag, count as one. */
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

  /** Ends a series of changes that count as one. */
  endAct(): void {
    this.#lastAct = "";
  }

  /** Selects another tool, once the shape being drawn is closed. */
  choose(tool: Tool): void {
    if (this.closeSketch()) this.tool.value = tool;
  }

  /** Adds a click to the shape being drawn; see `nextSketch`. */
  sketchTo(point: Point, reach: Point): void {
    const tool = this.tool.peek();
    if (tool === "select") return;
    const { points, whole } = nextSketch(tool, this.sketch.peek(), point, reach);
    this.#sketchOn(points);
    if (whole) this.closeSketch();
  }

  /** Completes the shape being drawn. Returns whether nothing is open any more; otherwise `openFault` says why. */
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

  /** Discards the shape being drawn. */
  dropSketch(): void {
    this.#sketchOn([]);
    this.tool.value = "select";
  }

  #sketchOn(points: Sketch): void {
    this.sketch.value = points;
    this.openFault.value = "";
  }

  /** Adds a shape from a tool and selects it. */
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
   * The server has saved these parts of `sent`, now in the form of `saved`. Changes made in the meantime stay and are not saved yet; so does a part
   * that was not saved.
   */
  settle(sent: RulesDraft, saved: RulesDraft, parts: readonly DraftPart[] = ["rules", "masks"]): void {
    const now = this.draft.peek();
    this.saved.value = withParts(this.saved.peek(), saved, parts);
    this.draft.value = now === sent ? withParts(now, saved, parts) : { ...now, etag: this.saved.peek().etag };
    if (parts.includes("masks")) this.masksSaved.value++;
    if (!this.changed.peek()) this.#forget();
  }

  /** Takes the server's version of these parts as the new saved state. */
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
