import type { Box, Observation } from "../box.ts";
import type { IdentifiedBox, TrackedFrame } from "../evaluation/tracked-frame.ts";
import { Tracker } from "../tracker.ts";
import type { TrackerOptions } from "../tracker-options.ts";
import { type Actor, actorBox, visibleShare } from "./actor.ts";
import { type Capture, captureTimes, SeededRandom } from "./capture-times.ts";

/** A detector's faults. */
export interface Sensor {
  /** Standard deviation of each side of a box, in parts of the box's size. */
  readonly boxNoise: number;
  /** The chance to miss an object that is in full view. */
  readonly missShare: number;
  /** Mean number of false boxes per frame. */
  readonly falsePerFrame: number;
}

export interface SceneDescription {
  readonly name: string;
  readonly seed: number;
  readonly capture: Capture;
  readonly actors: readonly Actor[];
  /** Things in front of everything: pillars, cars. */
  readonly occluders?: readonly Box[];
  readonly sensor?: Partial<Sensor>;
  /** The camera sways by this many pixels, once in `periodMs`. */
  readonly sway?: { readonly pixels: number; readonly periodMs: number };
}

export interface SceneFrame {
  /** Place in the camera's regular rhythm: dropped frames leave gaps. */
  readonly index: number;
  readonly timeMs: number;
  /** Every object of which at least a quarter is visible, with its whole box. */
  readonly truth: readonly (IdentifiedBox & { readonly classId: number })[];
  readonly observations: readonly Observation[];
}

export interface TrackedScene {
  readonly name: string;
  readonly intervalMs: number;
  readonly frames: readonly SceneFrame[];
}

export const picture: Box = { xMin: 0, yMin: 0, xMax: 1280, yMax: 720 };

/** Less than this visible, and an object is neither in the truth nor detected. */
const leastVisible = 0.25;
/** What a detector publishes at least. */
const leastScore = 0.1;

/** Plays a scene: exact truth and what a detector of the described faults would say. Same description, same scene. */
export function playScene(description: SceneDescription): TrackedScene {
  const random = new SeededRandom(description.seed);
  const sensor: Sensor = { boxNoise: 0.02, missShare: 0, falsePerFrame: 0, ...description.sensor };
  const times = captureTimes(description.capture, random);
  const frames = times.map(({ index, timeMs }) => {
    const visible = visibleActors(description, timeMs);
    return {
      index,
      timeMs,
      truth: visible.map(({ actor, box }) => ({ id: actor.id, classId: actor.classId, box })),
      observations: [
        ...visible.flatMap((seen) => detect(seen, timeMs, sensor, random)),
        ...falseDetections(sensor, random),
      ],
    };
  });
  return { name: description.name, intervalMs: description.capture.intervalMs, frames };
}

interface VisibleActor {
  readonly actor: Actor;
  readonly box: Box;
  readonly share: number;
}

function visibleActors(description: SceneDescription, timeMs: number): VisibleActor[] {
  const present = description.actors.flatMap((actor) => {
    const box = actorBox(actor, timeMs);
    return box === undefined ? [] : [{ actor, box }];
  });
  const { sway, occluders = [] } = description;
  const shift = sway === undefined ? 0 : sway.pixels * Math.sin((2 * Math.PI * timeMs) / sway.periodMs);
  return present.flatMap(({ actor, box }) => {
    // Whoever stands lower in the picture is nearer.
    const nearer = present.filter((other) => other.box.yMax > box.yMax).map((other) => other.box);
    const share = visibleShare(box, picture, [...nearer, ...occluders]);
    return share < leastVisible ? [] : [{ actor, box: shifted(box, shift), share }];
  });
}

function detect(seen: VisibleActor, timeMs: number, sensor: Sensor, random: SeededRandom): Observation[] {
  const { actor, box, share } = seen;
  const missed = random.next() < sensor.missShare;
  const dip = actor.dip !== undefined && timeMs >= actor.dip.fromMs && timeMs < actor.dip.toMs;
  const sureness = 0.9 * share ** 0.8 * (dip ? actor.dip.factor : 1);
  const score = Math.min(0.99, sureness + 0.04 * random.normal());
  const noisyBox = noisy(box, sensor.boxNoise, random);
  return missed || score < leastScore ? [] : [{ classId: actor.classId, score, box: noisyBox }];
}

function noisy(box: Box, noise: number, random: SeededRandom): Box {
  const width = noise * (box.xMax - box.xMin);
  const height = noise * (box.yMax - box.yMin);
  return {
    xMin: box.xMin + width * random.normal(),
    yMin: box.yMin + height * random.normal(),
    xMax: box.xMax + width * random.normal(),
    yMax: box.yMax + height * random.normal(),
  };
}

function falseDetections(sensor: Sensor, random: SeededRandom): Observation[] {
  const found: Observation[] = [];
  let expected = sensor.falsePerFrame;
  for (; expected > 0; expected--) {
    if (random.next() >= expected) continue;
    const width = random.between(30, 80);
    const height = width * random.between(1.5, 3);
    const xMin = random.between(picture.xMin, picture.xMax - width);
    const yMin = random.between(picture.yMin, picture.yMax - height);
    const box = { xMin, yMin, xMax: xMin + width, yMax: yMin + height };
    found.push({ classId: 0, score: random.between(leastScore, 0.75), box });
  }
  return found;
}

function shifted(box: Box, by: number): Box {
  return { xMin: box.xMin + by, yMin: box.yMin + by / 2, xMax: box.xMax + by, yMax: box.yMax + by / 2 };
}

/**
 * Runs a tracker over a scene and pairs what it says with the truth, the boxes being the observations'.
 * @param timeOf the time to give for a frame, if not its own
 */
export function trackScene(
  scene: TrackedScene,
  options: Partial<TrackerOptions> = {},
  timeOf?: (frame: number) => number,
): TrackedFrame[] {
  const tracker = new Tracker(options);
  return scene.frames.map((frame, i) => {
    const { trackNumbers } = tracker.update(timeOf?.(i) ?? frame.timeMs, frame.observations);
    const tracked = trackNumbers.flatMap((id, at) =>
      id === undefined ? [] : [{ id, box: frame.observations[at]!.box }],
    );
    return { truth: frame.truth, tracked };
  });
}
