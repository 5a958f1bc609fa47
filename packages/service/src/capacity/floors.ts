/** What a camera asks for first, in frames/s, and its place among those that ask. */
export interface Floor {
  camera: string;
  floorFps: number;
  /** The higher, the earlier it is held. */
  priority: number;
}

/** Share of the workers' capacity that may be promised: what is measured is not exact, and cameras without a floor live from the rest. */
export const promisable = 0.9;
/** Share that floors may take before some are cut: more than may be promised, so that a small error of the measurement cuts none. */
const holdable = 0.97;

/**
 * What is held of each floor, in frames/s: all of those of the highest priority, then of the next. Those of the priority with which the capacity
 * ends are cut in one proportion. An unknown capacity cuts none.
 */
export function holdFloors(floors: readonly Floor[], capacity: number | undefined): Map<string, number> {
  const held = new Map<string, number>();
  let left = capacity === undefined ? Infinity : holdable * capacity;
  for (const priority of [...new Set(floors.map((floor) => floor.priority))].sort((a, b) => b - a)) {
    const level = floors.filter((floor) => floor.priority === priority);
    const asked = level.reduce((sum, { floorFps }) => sum + floorFps, 0);
    const share = asked === 0 ? 1 : Math.min(1, left / asked);
    for (const { camera, floorFps } of level) held.set(camera, share * floorFps);
    left = Math.max(0, left - asked);
  }
  return held;
}
