import { analysisPresence, encodeJson } from "@sightline/contracts";
import type { MirrorChange } from "@sightline/service";
import { expect, test } from "vitest";
import { Analyses } from "./analyses.ts";

/** The bucket of leases, as a mirror shows it. */
class Leases {
  readonly #entries = new Map<string, string>();
  #listener: (change: MirrorChange<string>) => void = () => undefined;

  put(key: string, value: unknown): void {
    const text = new TextDecoder().decode(encodeJson(value));
    this.#entries.set(key, text);
    this.#listener({ key, value: text, previous: undefined });
  }

  remove(key: string): void {
    this.#entries.delete(key);
    this.#listener({ key, value: undefined, previous: "" });
  }

  keys = () => [...this.#entries.keys()];
  get = (key: string) => this.#entries.get(key);
  onChange = (listener: (change: MirrorChange<string>) => void) => {
    this.#listener = listener;
    return () => undefined;
  };
}

const stalled = { stalls: { front: "the timeline could not be read to its end" } };

test("a stall is known from whichever process tells it, until it tells otherwise or is gone", () => {
  const leases = new Leases();
  leases.put(`${analysisPresence}.a`, stalled);
  const analyses = new Analyses(leases);
  expect([analyses.any, analyses.stalled, analyses.stallOf("front")]).toEqual([
    true,
    true,
    stalled.stalls.front,
  ]);
  expect(analyses.stallOf("back")).toBeUndefined();
  leases.put(`${analysisPresence}.b`, { stalls: {} });
  expect(analyses.stallOf("front")).toBe(stalled.stalls.front);
  leases.put(`${analysisPresence}.a`, { stalls: {} });
  expect([analyses.any, analyses.stalled, analyses.stallOf("front")]).toEqual([true, false, undefined]);
  leases.put(`${analysisPresence}.a`, stalled);
  leases.remove(`${analysisPresence}.a`);
  expect([analyses.any, analyses.stalled]).toEqual([true, false]);
});

test("a process of the version before tells that it is there; ingest is none of them", () => {
  const leases = new Leases();
  const analyses = new Analyses(leases);
  leases.put("ingest.a", "present");
  leases.put("session.tracker.a", stalled);
  expect(analyses.any).toBe(false);
  leases.put(`${analysisPresence}.a`, "present");
  expect([analyses.any, analyses.stalled]).toEqual([true, false]);
  leases.remove(`${analysisPresence}.a`);
  expect(analyses.any).toBe(false);
});
