import { Counter, Gauge, type Registry } from "prom-client";

/** What is measured of the live WebSocket. */
export class LiveMetrics {
  readonly #asked: Counter;
  readonly #sent: Counter;

  constructor(registry: Registry, sockets: () => number) {
    const registers = [registry];
    new Gauge({
      name: "sightline_live_sockets",
      help: "Browsers that are connected for live changes now.",
      registers,
      collect() {
        this.set(sockets());
      },
    });
    this.#asked = new Counter({
      name: "sightline_live_pictures_requested_total",
      help: "Pictures asked of ingest for browsers; one may go to several.",
      registers,
    });
    this.#sent = new Counter({
      name: "sightline_live_pictures_sent_total",
      help: "Pictures sent to browsers.",
      registers,
    });
  }

  pictureAsked(): void {
    this.#asked.inc();
  }

  pictureSent(): void {
    this.#sent.inc();
  }
}
