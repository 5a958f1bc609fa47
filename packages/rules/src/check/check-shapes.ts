import { type CameraRules, type Line, MaskMode, type Point } from "@sightline/contracts";
import type { RulesFault } from "../errors.ts";
import { polygonFault } from "../geometry/polygon.ts";
import { nameFaults, rulesLimits, tooMany } from "./bounds.ts";

/** What is wrong with zones, lines and masks. */
export function shapeFaults({ zones, lines, masks }: CameraRules): RulesFault[] {
  const { maxZones, maxLines, maxMasks } = rulesLimits;
  return [
    ...tooMany("zones", zones.length, maxZones),
    ...nameFaults(
      "zones",
      "zone",
      zones.slice(0, maxZones).map(({ name }) => name),
    ),
    ...zones
      .slice(0, maxZones)
      .flatMap(({ polygon }, index) => polygonFaults(`zones[${index}].polygon`, polygon)),
    ...tooMany("lines", lines.length, maxLines),
    ...nameFaults(
      "lines",
      "line",
      lines.slice(0, maxLines).map(({ name }) => name),
    ),
    ...lines.slice(0, maxLines).flatMap((line, index) => lineFaults(`lines[${index}]`, line)),
    ...tooMany("masks", masks.length, maxMasks),
    ...masks
      .slice(0, maxMasks)
      .flatMap(({ mode, polygon }, index) => [
        ...(mode === MaskMode.EXCLUDE || mode === MaskMode.INCLUDE
          ? []
          : [{ field: `masks[${index}].mode`, message: "A mask needs a mode: exclude or include." }]),
        ...polygonFaults(`masks[${index}].polygon`, polygon),
      ]),
  ];
}

/**
 * What is wrong with a polygon; `field` is its path.
 * @example
 * ```ts
 * const [fault] = polygonFaults("zones[0].polygon", [{ x: 0, y: 0 }, { x: 1, y: 1 }]);
 * assert.equal(fault?.message, "A polygon has 3 to 64 points, not 2.");
 * ```
 */
export function polygonFaults(field: string, points: readonly Point[]): RulesFault[] {
  const { minPoints, maxPoints } = rulesLimits;
  if (points.length < minPoints || points.length > maxPoints) {
    return [{ field, message: `A polygon has ${minPoints} to ${maxPoints} points, not ${points.length}.` }];
  }
  const outside = points.flatMap((point, index) => pointFaults(`${field}[${index}]`, point));
  if (outside.length > 0) return outside;
  const fault = polygonFault(points);
  switch (fault?.kind) {
    case undefined:
      return [];
    case "repeated_point":
      return [
        {
          field: `${field}[${fault.second}]`,
          message: `This point is the same as point ${fault.first}; give each point once (the last joins the first by itself).`,
        },
      ];
    case "no_area":
      return [
        { field, message: "The polygon has no area: all its points are on one line. Move one off it." },
      ];
    case "edges_meet":
      return [
        {
          field,
          message: `The edge from point ${fault.first} to ${(fault.first + 1) % points.length} meets the edge from point ${fault.second} to ${(fault.second + 1) % points.length}. Give the points in order around the outline, so that no edges cross; use several zones for several parts.`,
        },
      ];
  }
}

function lineFaults(field: string, { start, end }: Line): RulesFault[] {
  const faults = [...pointFaults(`${field}.start`, start), ...pointFaults(`${field}.end`, end)];
  if (faults.length > 0 || start === undefined || end === undefined) return faults;
  if (start.x !== end.x || start.y !== end.y) return [];
  return [{ field, message: "The line has no length: start and end are the same. Move one of them." }];
}

function pointFaults(field: string, point: Point | undefined): RulesFault[] {
  if (point === undefined) return [{ field, message: "A point is missing: give x and y, both from 0 to 1." }];
  const inside = (value: number) => value >= 0 && value <= 1;
  if (inside(point.x) && inside(point.y)) return [];
  return [
    {
      field,
      message: `x and y must be from 0 to 1 (parts of the picture's width and height, not pixels), not ${point.x}, ${point.y}.`,
    },
  ];
}
