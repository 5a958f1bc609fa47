import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type SightlineClient, SightlineError } from "@sightline/client";
import type { Event } from "@sightline/contracts";
import { eventId } from "./event-lines.ts";

/** Saves events' pictures in a folder, as CAMERA-ID.jpg. */
export class EventPictures {
  /** Where the pictures are, by the name of their event. */
  readonly saved = new Map<string, string>();
  readonly #client: SightlineClient;
  readonly #folder: string;
  readonly #annotated: boolean;

  constructor(client: SightlineClient, folder: string, annotated: boolean) {
    this.#client = client;
    this.#folder = folder;
    this.#annotated = annotated;
  }

  /** Saves the picture of an event, if it has one that is kept. @throws SightlineError, or when the file cannot be written */
  async save(event: Event): Promise<void> {
    if (!event.snapshotFrame) return;
    const { jpeg } = await this.#client.events
      .snapshot(event.name, { annotated: this.#annotated })
      .catch((error) => {
        if (SightlineError.from(error).reason === "snapshot_not_found") return { jpeg: undefined };
        throw error;
      });
    if (!jpeg) return;
    await mkdir(this.#folder, { recursive: true });
    const path = join(this.#folder, `${eventId(event).replace("/", "-")}.jpg`);
    await writeFile(path, jpeg);
    this.saved.set(event.name, path);
  }
}
