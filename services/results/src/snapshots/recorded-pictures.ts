import {
  cameraName,
  Event,
  EventPhase,
  pictureSizeHeader,
  recordingPaths,
  streams,
  subjects,
} from "@sightline/contracts";
import {
  BoundedMap,
  type Logger,
  type Nats,
  type SnapshotStore,
  type StoredSnapshot,
} from "@sightline/service";
import { wallClockMs } from "@sightline/service/clock";
import { askHolder } from "../recordings/holder-request.ts";
import type { RecordingHolders } from "../recordings/recording-holders.ts";

/** A picture that was not available is not requested again for this long. */
const restMs = 10_000;
const mostResting = 1_000;
/** Most pictures fetched at the same time; beyond that, the stored picture is used. */
const mostUnderWay = 8;
/** How long a caller waits for the better picture. */
const timeoutMs = 4_000;
/** How long a picture is kept counts from when it was stored: older ones are not stored again, or they would be kept much longer. */
const keptWithinMs = 60 * 60_000;

/**
 * Pictures of events as their cameras sent them, from recordings. During an event its picture is decoded only if the machine has time for
 * it; otherwise the frame that the model saw is stored. Later viewers get the same moment from the recording.
 */
export class RecordedPictures {
  readonly #nats: Nats;
  readonly #holders: RecordingHolders;
  readonly #store: SnapshotStore;
  readonly #log: Logger;
  readonly #underWay = new Map<string, Promise<StoredSnapshot | undefined>>();
  /** Picture → when it may be requested again, by performance.now(). */
  readonly #resting = new BoundedMap<string, number>(mostResting);

  constructor(nats: Nats, holders: RecordingHolders, store: SnapshotStore, log: Logger) {
    this.#nats = nats;
    this.#holders = holders;
    this.#store = store;
    this.#log = log;
  }

  /** The same moment of the event `{camera}/{id}` in the camera's own resolution, if it is recorded; otherwise the stored picture. */
  async better(camera: string, id: string, stored: StoredSnapshot): Promise<StoredSnapshot> {
    const { source, epoch, number } = stored.details;
    if (source !== "model") return stored;
    const key = `${camera}/${id} ${epoch}:${number}`;
    const under = this.#underWay.get(key);
    if (under) return (await under) ?? stored;
    const rests = (this.#resting.get(key) ?? 0) > performance.now();
    if (rests || this.#underWay.size >= mostUnderWay) return stored;
    const fetching = this.#fetch(camera, id, stored)
      .catch((error: Error) => {
        this.#log.debug(
          { camera, event: id, err: error },
          "no better picture of an event; the model's frame is used",
        );
        return undefined;
      })
      .finally(() => this.#underWay.delete(key));
    this.#underWay.set(key, fetching);
    const picture = await fetching;
    if (!picture) this.#resting.set(key, performance.now() + restMs);
    return picture ?? stored;
  }

  async #fetch(camera: string, id: string, { details }: StoredSnapshot): Promise<StoredSnapshot | undefined> {
    const { captureTimeMs: at } = details;
    const signal = AbortSignal.timeout(timeoutMs);
    const { holders } = await this.#holders.find(camera, { fromMs: at - 1, toMs: at + 1 });
    for (const holder of holders) {
      const path = `${recordingPaths.picture(camera)}?at_ms=${at}`;
      const response = await askHolder(holder, { path, signal });
      const [width = 0, height = 0] = (response.headers.get(pictureSizeHeader) ?? "").split("x").map(Number);
      const jpeg = new Uint8Array(await response.arrayBuffer());
      if (!(width >= details.width && height > 0)) continue;
      const picture: StoredSnapshot = { details: { ...details, width, height, source: "camera" }, jpeg };
      await this.#keep(camera, id, picture);
      return picture;
    }
    return undefined;
  }

  async #keep(camera: string, id: string, picture: StoredSnapshot): Promise<void> {
    try {
      const age = wallClockMs() - picture.details.captureTimeMs;
      if (age >= keptWithinMs || !(await this.#isFinal(camera, id, picture))) return;
      const event = `${camera}/${id}`;
      // It replaces the smaller one; if that has been deleted, this one is not wanted either.
      if (!(await this.#store.details(event))) return;
      await this.#store.put(event, picture.jpeg, picture.details);
      // A deletion removes events first, then pictures: a picture stored after both would stay.
      if (!(await this.#isFinal(camera, id, picture))) await this.#store.delete(event);
    } catch (error) {
      this.#log.debug({ camera, event: id, err: error }, "a better picture of an event could not be stored");
    }
  }

  /** Whether the event gets no other picture and has not been deleted: then this one can replace the smaller one. */
  async #isFinal(camera: string, id: string, { details }: StoredSnapshot): Promise<boolean> {
    const last = await this.#nats.manager.direct.getMessage(streams.events, {
      last_by_subj: subjects.event(camera, id),
    });
    if (!last || last.data.length === 0) return false;
    const { name, phase, snapshotFrame } = Event.decode(last.data);
    const isOver = phase === EventPhase.END || phase === EventPhase.ONCE;
    const isSame = snapshotFrame?.epoch === details.epoch && snapshotFrame.number === details.number;
    return name === `${cameraName(camera)}/events/${id}` && isOver && isSame;
  }
}
