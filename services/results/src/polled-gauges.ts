import { Gauge, type Registry } from "prom-client";

/** One value of a thing. */
export interface GaugeOf<T> {
  name: string;
  help: string;
  value: (thing: T) => number;
}

/** Gauges with a value for each thing of a kind, such as a stream, which must be requested. Without an answer they have no values, not old ones. */
export class PolledGauges<T, Label extends string> {
  readonly #gauges: { gauge: Gauge<Label>; value: GaugeOf<T>["value"] }[];
  readonly #labelsOf: (thing: T) => Record<Label, string>;
  readonly #pollMs: number;
  #stopped = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(
    registry: Registry,
    gauges: readonly GaugeOf<T>[],
    label: Label,
    labelOf: (thing: T) => string,
    pollMs = 5_000,
  ) {
    this.#gauges = gauges.map(({ name, help, value }) => ({
      gauge: new Gauge({ name, help, labelNames: [label], registers: [registry] }),
      value,
    }));
    this.#labelsOf = (thing) => ({ [label]: labelOf(thing) }) as Record<Label, string>;
    this.#pollMs = pollMs;
  }

  /** Calls `list` at once, and again `pollMs` after each answer; undefined means no answer. */
  start(list: () => Promise<readonly T[] | undefined>): void {
    void this.#keepAsking(list);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  async #keepAsking(list: () => Promise<readonly T[] | undefined>): Promise<void> {
    const things = await list().catch(() => undefined);
    if (this.#stopped) return;
    for (const { gauge, value } of this.#gauges) {
      gauge.reset();
      for (const thing of things ?? []) gauge.set(this.#labelsOf(thing), value(thing));
    }
    this.#timer = setTimeout(() => void this.#keepAsking(list), this.#pollMs);
  }
}
