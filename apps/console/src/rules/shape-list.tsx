import { NumberInput, SelectField, TextField } from "../shell/field.tsx";
import { StatusIcon } from "../shell/status-icon.tsx";
import { changeShape, movePoint, removePoint, removeShape, reverseLine, splitEdge } from "./edit-draft.ts";
import { hasName, type Shape } from "./rules-draft.ts";
import type { RulesEditing } from "./rules-editing.ts";
import { cornerName, shapeLabel } from "./scene-shape.tsx";

const kinds = { zone: "Zone", line: "Line", mask: "Mask", privacy: "Privacy mask" } as const;

/** All shapes as a list, with their names and the numbers of their points. */
export function ShapeList({ editing }: { editing: RulesEditing }) {
  const { shapes } = editing.draft.value;
  return (
    <section class="panel shape-list" aria-labelledby="shapes-title">
      <h2 id="shapes-title">Zones, lines and masks</h2>
      {shapes.length === 0 && (
        <p class="note">None yet. Choose “Draw zone” or “Draw line” and click in the picture.</p>
      )}
      <ul data-testid="shapes">
        {shapes.map((shape) => (
          <ShapeItem key={shape.key} shape={shape} editing={editing} />
        ))}
      </ul>
    </section>
  );
}

function ShapeItem({ shape, editing }: { shape: Shape; editing: RulesEditing }) {
  const open = editing.selected.value === shape.key;
  const faults = editing.faults.value.filter(({ key }) => key === shape.key);
  return (
    <li class={open ? "open" : ""}>
      <button
        type="button"
        class="shape-head"
        aria-expanded={open}
        onClick={() => (editing.selected.value = open ? undefined : shape.key)}
      >
        <span class={`shape-sign ${shape.kind} ${shape.mode}`} aria-hidden="true" />
        {shape.kind === "privacy" ? kinds.privacy : `${kinds[shape.kind]}: ${shapeLabel(shape)}`}
        {faults.length > 0 && <StatusIcon level="error" />}
      </button>
      {faults.map(({ message }) => (
        <p key={message} class="field-error">
          {message}
        </p>
      ))}
      {open && <ShapeFields shape={shape} editing={editing} />}
    </li>
  );
}

function ShapeFields({ shape, editing }: { shape: Shape; editing: RulesEditing }) {
  const { key } = shape;
  const draft = editing.draft.value;
  return (
    <div class="shape-fields">
      {hasName(shape) && (
        <TextField
          label="Name"
          value={shape.name}
          maxLength={63}
          onChange={(name) => editing.edit(changeShape(draft, key, { name }), `name ${key}`)}
        />
      )}
      {shape.kind === "mask" && (
        <SelectField
          label="Objects in it"
          value={shape.mode}
          options={[
            ["exclude", "do not count"],
            ["include", "are the only ones that count"],
          ]}
          onChange={(mode) => editing.edit(changeShape(draft, key, { mode: mode as Shape["mode"] }))}
        />
      )}
      {shape.kind === "privacy" && (
        <p class="note">
          Black in all pictures and video of the camera, for everybody. What was kept before stays as it is.
        </p>
      )}
      <ol class="points">
        {shape.points.map((_, index) => (
          <PointFields key={index} shape={shape} index={index} editing={editing} />
        ))}
      </ol>
      <div class="buttons">
        {shape.kind === "line" && (
          <button type="button" onClick={() => editing.edit(reverseLine(draft, key))}>
            Turn around
          </button>
        )}
        <button type="button" class="danger" onClick={() => editing.edit(removeShape(draft, key))}>
          Remove {kinds[shape.kind].toLowerCase()}
        </button>
      </div>
    </div>
  );
}

function PointFields({ shape, index, editing }: { shape: Shape; index: number; editing: RulesEditing }) {
  const draft = editing.draft.value;
  const [x, y] = shape.points[index] ?? [0, 0];
  const name = cornerName(shape, index);
  const number = (label: string, value: number, to: (value: number) => readonly [number, number]) => (
    <NumberInput
      aria-label={`${name}, ${label}, per cent`}
      value={Math.round(value * 1000) / 10}
      most={100}
      step={0.1}
      onChange={(percent) =>
        editing.edit(movePoint(draft, shape.key, index, to(percent / 100)), `number ${shape.key} ${index}`)
      }
    />
  );
  return (
    <li>
      <span class="point-name">{name}</span>
      {number("across", x, (value) => [value, y])}
      {number("down", y, (value) => [x, value])}
      {shape.kind !== "line" && (
        <>
          <button
            type="button"
            class="small"
            aria-label={`Add a corner after ${name}`}
            onClick={() => editing.edit(splitEdge(draft, shape.key, index))}
          >
            +
          </button>
          <button
            type="button"
            class="small"
            aria-label={`Remove ${name}`}
            disabled={shape.points.length <= 3}
            onClick={() => editing.edit(removePoint(draft, shape.key, index))}
          >
            −
          </button>
        </>
      )}
    </li>
  );
}
