import { batch, type Signal, signal } from "@preact/signals";
import type { HttpCamera, HttpRules } from "@sightline/contracts";

/** How often figures are updated on the page; a change of state is shown at once. */
const refreshMs = 1_000;

/** Everything that the console knows about one camera, kept current by the live connection. */
export interface CameraState {
  id: string;
  camera: Signal<HttpCamera>;
  rules: Signal<HttpRules | undefined>;
}

const states = new Map<string, CameraState>();
const waiting = new Map<string, HttpCamera>();
let refresh: ReturnType<typeof setTimeout> | undefined;

/** Cameras sorted by id; undefined until the server has answered. */
export const cameras = signal<readonly CameraState[] | undefined>(undefined);

/** The state of camera `id`, if there is one. Follows `cameras` when called while rendering. */
export function findCamera(id: string): CameraState | undefined {
  return cameras.value?.find((state) => state.id === id);
}

/** Replaces all cameras by the full list; missing ones are gone. */
export function replaceCameras(list: readonly HttpCamera[]): void {
  const ids = new Set(list.map((camera) => camera.id));
  batch(() => {
    for (const id of states.keys()) if (!ids.has(id)) drop(id);
    for (const camera of list) put(camera);
    publishList();
  });
}

/** Takes a changed or new camera: at once if it is new or its state has changed, otherwise with the next refresh. */
export function updateCameraState(camera: HttpCamera): void {
  const known = states.get(camera.id)?.camera.peek();
  if (known && known.status.state === camera.status.state && known.status.reason === camera.status.reason) {
    waiting.set(camera.id, camera);
    scheduleRefresh();
    return;
  }
  waiting.delete(camera.id);
  batch(() => {
    put(camera);
    if (!known) publishList();
  });
}

export function removeCameraState(id: string): void {
  drop(id);
  publishList();
}

export function setRules(id: string, rules: HttpRules): void {
  const state = states.get(id);
  if (state) state.rules.value = rules;
}

function put(camera: HttpCamera): void {
  const state = states.get(camera.id);
  if (state) state.camera.value = camera;
  else
    states.set(camera.id, {
      id: camera.id,
      camera: signal(camera),
      rules: signal(undefined),
    });
}

function drop(id: string): void {
  states.delete(id);
  waiting.delete(id);
}

function publishList(): void {
  cameras.value = [...states.values()].sort((a, b) => a.id.localeCompare(b.id, "en", { numeric: true }));
}

function scheduleRefresh(): void {
  if (refresh !== undefined) return;
  refresh = setTimeout(() => {
    refresh = undefined;
    batch(() => {
      for (const camera of waiting.values()) put(camera);
    });
    waiting.clear();
  }, refreshMs);
}
