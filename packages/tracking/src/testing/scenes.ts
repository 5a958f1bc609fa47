import type { Actor } from "./actor.ts";
import { SeededRandom } from "./capture-times.ts";
import { playScene, type SceneDescription, type TrackedScene } from "./scene.ts";

const person = 0;
const car = 2;

/** A walker straight across, the feet at `y`, from the left for a positive speed (pixels per second). */
function walker(id: number, y: number, speed: number, startMs = 0, height = 140): Actor {
  const length = 1280 + 2 * 60;
  const endMs = startMs + (length / Math.abs(speed)) * 1000;
  const [from, to] = speed > 0 ? [-60, 1340] : [1340, -60];
  return {
    id,
    classId: person,
    width: height * 0.4,
    height,
    path: [
      { timeMs: startMs, x: from, y },
      { timeMs: endMs, x: to, y },
    ],
  };
}

const video = { durationMs: 12_000, intervalMs: 40 };
/** A camera that is analysed ten times a second. */
const sampled = { durationMs: 15_000, intervalMs: 100 };

/** Six people who cross in pairs, the nearer hiding the other for a moment. */
const pairs = [
  walker(1, 300, 180),
  walker(2, 312, -150),
  walker(3, 480, 130),
  walker(4, 490, -160, 500),
  walker(5, 650, 200, 800),
  walker(6, 665, -140),
];

/** `count` people on random straight ways through the whole picture, some together. */
function crowd(count: number, durationMs: number, seed: number): Actor[] {
  const random = new SeededRandom(seed);
  return Array.from({ length: count }, (_, i) => {
    const height = random.between(60, 160);
    const speed = random.between(60, 180) * (random.next() < 0.5 ? -1 : 1);
    const y = random.between(height, 715);
    const x = random.between(0, 1280);
    const end = x + (speed * durationMs) / 1000;
    const path = [
      { timeMs: 0, x, y },
      { timeMs: durationMs, x: end, y: y + random.between(-80, 80) },
    ];
    return { id: i + 1, classId: i % 7 === 6 ? car : person, width: height * 0.4, height, path };
  });
}

const descriptions = {
  crossing: { seed: 1, capture: video, actors: pairs },
  /** Three people go behind a pillar, wide enough to hide each for most of a second. */
  "full occlusion": {
    seed: 2,
    capture: video,
    actors: [walker(1, 300, 180), walker(2, 460, -160), walker(3, 640, 200, 500)],
    occluders: [{ xMin: 560, yMin: 0, xMax: 740, yMax: 720 }],
  },
  /** Five people walk behind a hedge that hides the lower part of them. */
  "partial occlusion": {
    seed: 3,
    capture: video,
    actors: [
      walker(1, 400, 160),
      walker(2, 410, 150, 1200),
      walker(3, 405, -170),
      walker(4, 415, -140, 900),
      walker(5, 650, 180),
    ],
    occluders: [{ xMin: 250, yMin: 325, xMax: 1000, yMax: 420 }],
  },
  /** Everyone is hard to see for three seconds: scores fall to about 0.35. */
  "score dips": {
    seed: 4,
    capture: video,
    actors: pairs.map((actor, i) => ({
      ...actor,
      dip: { fromMs: 2000 + 600 * i, toMs: 5000 + 600 * i, factor: 0.4 },
    })),
  },
  "missed and false": {
    seed: 5,
    capture: video,
    actors: pairs,
    sensor: { missShare: 0.2, falsePerFrame: 1, boxNoise: 0.03 },
  },
  "camera sway": { seed: 6, capture: video, actors: pairs, sway: { pixels: 8, periodMs: 1500 } },
  "random drops": { seed: 7, capture: { ...sampled, dropShare: 0.3 }, actors: pairs },
  /** Three times, nothing arrives for most of a second. */
  "burst drops": {
    seed: 8,
    capture: {
      ...sampled,
      bursts: [
        { fromMs: 2000, toMs: 2800 },
        { fromMs: 4500, toMs: 5400 },
        { fromMs: 7000, toMs: 7700 },
      ],
    },
    actors: pairs,
  },
  jitter: { seed: 9, capture: { ...sampled, jitter: 0.45 }, actors: pairs },
  /**
   * A door: one after the other, people come and stand there and are gone, three seconds in between, while four
   * of five frames are dropped. A buffer in frames keeps each for so long that it takes the next for the same.
   */
  door: {
    seed: 10,
    capture: { durationMs: 30_000, intervalMs: 40, dropShare: 0.8 },
    actors: Array.from({ length: 5 }, (_, i) => ({
      id: i + 1,
      classId: person,
      width: 60,
      height: 150,
      path: [
        { timeMs: 6000 * i, x: 640, y: 500 },
        { timeMs: 6000 * i + 3000, x: 655, y: 500 },
      ],
    })),
  },
  crowd: {
    seed: 11,
    capture: video,
    actors: crowd(40, video.durationMs, 21),
    sensor: { missShare: 0.05, falsePerFrame: 0.5 },
  },
  /** Everything at once, ten frames a second. */
  street: {
    seed: 12,
    capture: { ...sampled, jitter: 0.3, dropShare: 0.2 },
    actors: crowd(25, sampled.durationMs, 22),
    occluders: [{ xMin: 600, yMin: 0, xMax: 660, yMax: 720 }],
    sensor: { missShare: 0.05, falsePerFrame: 0.5 },
    sway: { pixels: 4, periodMs: 2500 },
  },
} satisfies Record<string, Omit<SceneDescription, "name">>;

export type SceneName = keyof typeof descriptions;

export const sceneNames = Object.keys(descriptions) as SceneName[];

/** Scenes with a frame in every interval, on which a tracker that counts frames can be compared. */
export const constantRateScenes: readonly SceneName[] = [
  "crossing",
  "full occlusion",
  "partial occlusion",
  "score dips",
  "missed and false",
  "camera sway",
  "crowd",
];

export function scene(name: SceneName): TrackedScene {
  return playScene({ name, ...descriptions[name] });
}

/** `count` objects among each other, nearly all in view in every frame, 25 frames/s: to measure what a frame costs. */
export function fullScene(count: number): TrackedScene {
  const durationMs = 4000;
  const random = new SeededRandom(33);
  const actors = Array.from({ length: count }, (_, i): Actor => {
    const from = { timeMs: 0, x: random.between(300, 980), y: random.between(120, 700) };
    const to = { timeMs: durationMs, x: from.x + random.between(-250, 250), y: from.y };
    return { id: i + 1, classId: person, width: 32, height: 80, path: [from, to] };
  });
  return playScene({ name: `${count} objects`, seed: 34, capture: { durationMs, intervalMs: 40 }, actors });
}
