import { movePoint, removePoint, splitEdge } from "./edit-draft.ts";
import { leftToRight } from "./geometry.ts";
import { hasName, type Point, type Shape } from "./rules-draft.ts";
import type { RulesEditing } from "./rules-editing.ts";

interface Props {
  shape: Shape;
  editing: RulesEditing;
  /** Size of the picture, in pixels. */
  size: { width: number; height: number };
  /** Position of a pointer in the picture. */
  place: (event: MouseEvent) => Point;
  onGrab: (event: PointerEvent) => void;
}

const stepOfKey: Readonly<Record<string, Point>> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
};
const step = 0.005;
const longStep = 0.05;

/** A zone, line or mask on the picture; the selected one has corners that can be dragged. */
export function DrawnShape({ shape, editing, size, place, onGrab }: Props) {
  const selected = editing.selected.value === shape.key;
  const drawing = editing.tool.value !== "select";
  const pixels = shape.points.map(([x, y]) => [x * size.width, y * size.height] as const);
  const points = pixels.map((point) => point.join(",")).join(" ");
  const [first] = pixels;
  const label = shapeLabel(shape);
  const faulty = editing.faults.value.some(({ key }) => key === shape.key);
  const grab = (event: PointerEvent) => {
    if (drawing || event.button !== 0) return;
    event.stopPropagation();
    onGrab(event);
  };
  return (
    <g
      class={`shape ${shape.kind} ${shape.mode} ${selected ? "selected" : ""} ${faulty ? "faulty" : ""}`}
      role="group"
      aria-label={label}
    >
      {shape.kind === "line" ? (
        <>
          <polyline class="grip" points={points} onPointerDown={grab} />
          <polyline class="outline" points={points} onPointerDown={grab} />
          <DirectionArrow shape={shape} size={size} />
        </>
      ) : (
        <polygon class="outline" points={points} onPointerDown={grab} />
      )}
      {first && (
        <text x={first[0] + 6} y={first[1] - 8} aria-hidden="true">
          {label}
        </text>
      )}
      {!drawing &&
        pixels.map(([x, y], index) => (
          <Corner
            key={index}
            at={[x, y]}
            index={index}
            shape={shape}
            selected={selected}
            editing={editing}
            place={place}
          />
        ))}
      {selected && !drawing && shape.kind !== "line" && (
        <EdgeGrips
          pixels={pixels}
          onSplit={(index) => editing.edit(splitEdge(editing.draft.peek(), shape.key, index))}
        />
      )}
    </g>
  );
}

/** Name of a shape on the picture and in the list. */
export function shapeLabel(shape: Shape): string {
  if (hasName(shape)) return shape.name;
  if (shape.kind === "privacy") return "privacy mask";
  return shape.mode === "exclude" ? "mask" : "only here";
}

interface CornerProps {
  at: Point;
  index: number;
  shape: Shape;
  selected: boolean;
  editing: RulesEditing;
  place: (event: MouseEvent) => Point;
}

function Corner({ at: [x, y], index, shape, selected, editing, place }: CornerProps) {
  const point = shape.points[index] as Point;
  const act = `corner ${shape.key} ${index}`;
  const move = (to: Point) => editing.edit(movePoint(editing.draft.peek(), shape.key, index, to), act);
  const onKeyDown = (event: KeyboardEvent) => {
    const direction = stepOfKey[event.key];
    if (direction) {
      const by = event.shiftKey ? longStep : step;
      move([point[0] + direction[0] * by, point[1] + direction[1] * by]);
    } else if (event.key === "Delete" && shape.kind !== "line") {
      editing.edit(removePoint(editing.draft.peek(), shape.key, index));
    } else if (event.key === "Insert" && shape.kind !== "line") {
      editing.edit(splitEdge(editing.draft.peek(), shape.key, index));
    } else return;
    event.preventDefault();
    event.stopPropagation();
  };
  const percent = (value: number) => `${(value * 100).toFixed(1)}%`;
  return (
    <circle
      class="corner"
      cx={x}
      cy={y}
      r={selected ? 7 : 4}
      tabIndex={0}
      role="button"
      aria-label={`${shapeLabel(shape)}, ${cornerName(shape, index)}, ${percent(point[0])} across, ${percent(point[1])} down`}
      onFocus={() => {
        editing.selected.value = shape.key;
      }}
      onKeyDown={onKeyDown}
      onPointerDown={(event) => {
        if (event.button !== 0) return;
        event.stopPropagation();
        event.currentTarget.focus();
        event.currentTarget.setPointerCapture(event.pointerId);
      }}
      onPointerMove={(event) => {
        if (!event.currentTarget.hasPointerCapture(event.pointerId)) return;
        event.stopPropagation();
        move(place(event));
      }}
      onPointerUp={() => editing.endAct()}
    />
  );
}

/** "corner 2", or the name of a line's end. */
export function cornerName(shape: Shape, index: number): string {
  if (shape.kind !== "line") return `corner ${index + 1}`;
  return index === 0 ? "start" : "end";
}

function EdgeGrips({ pixels, onSplit }: { pixels: readonly Point[]; onSplit: (index: number) => void }) {
  return (
    <g class="edge-grips" aria-hidden="true">
      {pixels.map(([x, y], index) => {
        const [nextX, nextY] = pixels[(index + 1) % pixels.length] as Point;
        const onPointerDown = (event: PointerEvent) => {
          event.stopPropagation();
          onSplit(index);
        };
        return (
          <circle key={index} cx={(x + nextX) / 2} cy={(y + nextY) / 2} r={5} onPointerDown={onPointerDown} />
        );
      })}
    </g>
  );
}

/** Shows the direction of "left to right" over a line. */
function DirectionArrow({
  shape: { points },
  size,
}: {
  shape: Shape;
  size: { width: number; height: number };
}) {
  const [start, end] = points;
  if (!start || !end) return null;
  const [dx, dy] = leftToRight(start, end, size.width / size.height);
  const x = ((start[0] + end[0]) / 2) * size.width;
  const y = ((start[1] + end[1]) / 2) * size.height;
  const [tipX, tipY] = [x + dx * 30, y + dy * 30];
  const wing = (turn: number) => `${tipX - (dx + turn * dy) * 8},${tipY - (dy - turn * dx) * 8}`;
  return (
    <g class="arrow" aria-hidden="true">
      <line x1={x - dx * 12} y1={y - dy * 12} x2={tipX} y2={tipY} />
      <polyline points={`${wing(1)} ${tipX},${tipY} ${wing(-1)}`} />
    </g>
  );
}
