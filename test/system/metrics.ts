/** Samples of one scrape: `name{labels}` → value, labels as the service wrote them. */
export class Scrape {
  readonly #samples: { name: string; labels: Record<string, string>; value: number }[] = [];

  /** Reads the Prometheus text format. */
  constructor(text: string) {
    for (const line of text.split("\n")) {
      const match = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? ([^ ]+)/.exec(line);
      if (!match) continue;
      const labels = Object.fromEntries(
        [...(match[2] ?? "").matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map(([, key, value]) => [key!, value!]),
      );
      this.#samples.push({ name: match[1]!, labels, value: Number(match[3]) });
    }
  }

  static async of(address: string): Promise<Scrape> {
    const ask = () => fetch(`http://${address}/metrics`);
    // A connection that was kept may be closed by the server at this very moment.
    const response = await ask().catch(ask);
    if (!response.ok) throw new Error(`${address}/metrics answers ${response.status}`);
    return new Scrape(await response.text());
  }

  /** Sum of all samples of a name whose labels include these; undefined when there is none. */
  sum(name: string, labels: Record<string, string> = {}): number | undefined {
    const found = this.#samples.filter(
      (sample) =>
        sample.name === name && Object.entries(labels).every(([key, value]) => sample.labels[key] === value),
    );
    return found.length === 0 ? undefined : found.reduce((sum, sample) => sum + sample.value, 0);
  }
}
