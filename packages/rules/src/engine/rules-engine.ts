import {
  CameraChange,
  type CameraRules,
  type CameraTransition,
  EndReason,
  type Event,
  EventType,
  type FrameReference,
} from "@sightline/contracts";
import { z } from "zod";
import { checkRules } from "../check/check-rules.ts";
import { RulesStateError } from "../errors.ts";
import { CameraEvents } from "./camera-events.ts";
import { CountEvaluation } from "./count-evaluation.ts";
import { CrossingEvaluation } from "./crossing-evaluation.ts";
import {
  type EngineState,
  type Evaluation,
  engineStateSchema,
  engineStateVersion,
  type Instant,
} from "./engine-state.ts";
import { EventWriter } from "./event-writer.ts";
import { PresenceEvaluation } from "./presence-evaluation.ts";
import type { RuleEvaluation, Step } from "./rule-evaluation.ts";
import { type ReadyRule, readyRules, Scene } from "./scene.ts";
import { type EndedTrack, type SeenTrack, Tracked } from "./tracked.ts";

/** A rule and its state; the state is null while the rule does not apply. */
interface RunningRule {
  readonly ready: ReadyRule;
  evaluation: RuleEvaluation | null;
}

const noRules: CameraRules = {
  name: "",
  zones: [],
  lines: [],
  masks: [],
  rules: [],
  etag: "",
  updateTime: undefined,
};

/**
 * Turns one camera's tracks into events, using its rules. docs/rules.md explains each type of rule.
 *
 * Pure and deterministic: no clock, no randomness. The same calls give the same events, even if a snapshot was taken and restored at any
 * point in between.
 *
 * @example
 * ```ts
 * const engine = new RulesEngine("door", "run1");
 * const at = (ms: number) => ({ ms, time: { seconds: 1_700_000_000 + ms / 1000, nanos: 0 } });
 * engine.rulesChanged(at(0), parseRules({ rules: [{ type: "appeared" }] }));
 *
 * const box = { xMin: 0.4, yMin: 0.2, xMax: 0.6, yMax: 0.8 };
 * const person = { id: "t1", classId: 0, className: "person", score: 0.9, pixelBox: box, normalizedBox: box };
 * const [begun] = engine.step(at(1000), [{ ...person, startTime: at(1000).time }], []);
 * assert.equal(begun?.name, "cameras/door/events/run1-e1");
 *
 * const [over] = engine.step(at(2000), [], [{ id: "t1", merged: false }]);
 * assert.deepEqual([over?.name, over?.revision], [begun?.name, 2]);
 * ```
 */
export class RulesEngine {
  readonly #writer: EventWriter;
  readonly #camera: CameraEvents;
  readonly #tracks: Map<string, Tracked>;
  #rules: CameraRules;
  #running: RunningRule[];
  #lastFrame: Instant | null;

  /**
   * @param camera the camera's id
   * @param incarnation first part of all event ids; these are valid in a NATS subject token only if it is
   * @param state a `snapshot()` to continue from; it is checked because it comes from storage
   * @throws {RulesStateError} the state is malformed or of another version
   */
  constructor(camera: string, incarnation: string, state?: EngineState) {
    const { stored, rules } = state === undefined ? { stored: undefined, rules: noRules } : restore(state);
    this.#rules = rules;
    const scene = new Scene(this.#rules);
    this.#writer = new EventWriter(camera, incarnation, scene, stored?.nextEvent ?? 1);
    this.#camera = new CameraEvents(this.#writer, stored?.camera ?? "unknown", stored?.cameraDown ?? null);
    this.#lastFrame = stored?.lastFrame ?? null;
    this.#tracks = new Map(stored?.tracks.map((track) => [track.id, new Tracked(track)]));
    for (const track of this.#tracks.values()) track.locate(scene);
    const evaluations = new Map(stored?.evaluations.map(({ name, evaluation }) => [name, evaluation]));
    this.#running = readyRules(this.#rules).map((ready) => {
      const evaluation = evaluations.get(ready.rule.name) ?? null;
      return { ready, evaluation: evaluation && evaluationOf(ready, this.#writer, evaluation) };
    });
  }

  /**
   * A frame, or time that passed without one.
   * @param seen the confirmed tracks found in the frame
   * @param ended the tracks that end now
   * @param frame undefined when there is none
   */
  step(
    now: Instant,
    seen: readonly SeenTrack[],
    ended: readonly EndedTrack[],
    frame?: FrameReference,
  ): Event[] {
    const endedTracks: Tracked[] = [];
    const gone = new Set<string>();
    for (const { id, merged } of ended) {
      gone.add(id);
      const track = this.#tracks.get(id);
      if (track === undefined) continue;
      track.merged = merged;
      endedTracks.push(track);
      this.#tracks.delete(id);
    }
    const seenTracks = seen.filter(({ id }) => !gone.has(id)).map((track) => this.#see(track, now, frame));
    if (frame !== undefined) {
      this.#camera.frame();
      this.#lastFrame = now;
    }
    const step = this.#stepAt(now, seenTracks, endedTracks, frame);
    for (const running of this.#running) this.#evaluate(running, step);
    return step.events;
  }

  /**
   * The camera went down, was removed or was moved, which ends its tracks and their events; or it is up again. Events about the camera
   * itself come last.
   */
  transition(now: Instant, transition: CameraTransition): Event[] {
    switch (transition.change) {
      case CameraChange.REMOVED:
        return [...this.#endAll(now, EndReason.CAMERA_REMOVED), ...this.#camera.removed(now)];
      case CameraChange.ADDRESS:
        return this.#endAll(now, EndReason.CAMERA_CHANGED);
      default:
        if (!transition.down) return this.#camera.up(now);
        return [...this.#endAll(now, EndReason.CAMERA_DOWN), ...this.#camera.down(now, transition)];
    }
  }

  /**
   * Sets new rules. A rule that stays the same keeps its state and its open events; open events of other rules end. For a new rule, objects
   * that are already in place count as arriving now.
   * @throws {RulesError} the rules cannot be used; nothing has changed
   */
  rulesChanged(now: Instant, rules: CameraRules): Event[] {
    const checked = checkRules(structuredClone(rules));
    const step = this.#stepAt(now);
    const before = new Map(this.#running.map((running) => [running.ready.key, running]));
    const next = readyRules(checked);
    const kept = new Set(next.map(({ key }) => key));
    for (const { ready, evaluation } of this.#running) {
      if (!kept.has(ready.key)) evaluation?.end(step, EndReason.RULE_INACTIVE);
    }
    this.#rules = checked;
    const scene = new Scene(checked);
    this.#writer.scene = scene;
    for (const track of this.#tracks.values()) track.locate(scene);
    this.#running = next.map((ready) => {
      const evaluation = before.get(ready.key)?.evaluation?.snapshot();
      return { ready, evaluation: evaluation ? evaluationOf(ready, this.#writer, evaluation) : null };
    });
    return step.events;
  }

  /** When a track was last seen, by the analysis's clock; undefined when the track is not active. */
  lastSeenMs(track: string): number | undefined {
    return this.#tracks.get(track)?.state.lastSeen.ms;
  }

  /** Number of open events, without camera_down, because passing time cannot end it. */
  get open(): number {
    return this.#running.reduce((sum, { evaluation }) => sum + (evaluation?.open ?? 0), 0);
  }

  /** Everything that the engine knows, for JSON. `new RulesEngine(camera, incarnation, snapshot)` continues exactly where this engine is. */
  snapshot(): EngineState {
    return structuredClone({
      version: engineStateVersion,
      nextEvent: this.#writer.nextEvent,
      rules: this.#rules,
      tracks: Array.from(this.#tracks.values(), ({ state }) => state),
      evaluations: this.#running.map(({ ready, evaluation }) => ({
        name: ready.rule.name,
        evaluation: evaluation?.snapshot() ?? null,
      })),
      camera: this.#camera.known,
      cameraDown: this.#camera.open,
      lastFrame: this.#lastFrame,
    });
  }

  /** Ends the open events of all rules and forgets all objects. */
  #endAll(now: Instant, reason: EndReason): Event[] {
    const step = this.#stepAt(now);
    for (const { evaluation } of this.#running) evaluation?.end(step, reason);
    this.#tracks.clear();
    this.#lastFrame = null;
    return step.events;
  }

  #see(seen: SeenTrack, now: Instant, frame: FrameReference | undefined): Tracked {
    let track = this.#tracks.get(seen.id);
    if (track === undefined) {
      track = Tracked.begin(seen, now);
      this.#tracks.set(seen.id, track);
    }
    track.see(seen, now, frame);
    track.locate(this.#writer.scene);
    return track;
  }

  #evaluate(running: RunningRule, step: Step): void {
    const { ready } = running;
    if (ready.span?.contains(step.now.time.seconds) === false) {
      running.evaluation?.end(step, EndReason.RULE_INACTIVE);
      running.evaluation = null;
    } else {
      running.evaluation ??= evaluationOf(ready, this.#writer);
      running.evaluation.step(step);
    }
  }

  #stepAt(
    now: Instant,
    seen: readonly Tracked[] = [],
    ended: readonly Tracked[] = [],
    frame?: FrameReference,
  ): Step {
    return { now, frame, seen, ended, tracks: this.#tracks, lastFrame: this.#lastFrame, events: [] };
  }
}

function restore(state: unknown): { stored: EngineState; rules: CameraRules } {
  try {
    const stored = engineStateSchema.parse(state);
    return { stored, rules: checkRules(stored.rules) };
  } catch (error) {
    const reason = error instanceof z.ZodError ? z.prettifyError(error) : String(error);
    throw new RulesStateError(`The stored rules state cannot be continued: ${reason}`, { cause: error });
  }
}

/** Creates the evaluation for a rule's type: new, or from a stored state. */
function evaluationOf(ready: ReadyRule, writer: EventWriter, state?: Evaluation): RuleEvaluation {
  switch (ready.rule.type) {
    case EventType.CROSSED_LINE:
      return new CrossingEvaluation(ready, writer, state?.kind === "crossing" ? state : undefined);
    case EventType.COUNT_ABOVE:
    case EventType.COUNT_BELOW:
      return new CountEvaluation(ready, writer, state?.kind === "count" ? state : undefined);
    default:
      return new PresenceEvaluation(ready, writer, state?.kind === "presence" ? state : undefined);
  }
}
