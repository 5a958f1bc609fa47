import type { RulesEditing } from "./rules-editing.ts";
import { middleSketch, sketchIsWhole, type Tool } from "./sketch.ts";

const tools: { tool: Tool; name: string }[] = [
  { tool: "select", name: "Select" },
  { tool: "zone", name: "Draw zone" },
  { tool: "line", name: "Draw line" },
  { tool: "exclude", name: "Draw mask" },
  { tool: "include", name: "Draw only-here area" },
  { tool: "privacy", name: "Draw privacy mask" },
];

interface Props {
  editing: RulesEditing;
  onRefresh: () => void;
}

/** Chooses what is drawn, and says how. */
export function ToolBar({ editing, onRefresh }: Props) {
  const now = editing.tool.value;
  return (
    <div class="tool-bar">
      <div class="tools" role="toolbar" aria-label="Drawing tools">
        {tools.map(({ tool, name }) => (
          <button key={tool} type="button" aria-pressed={now === tool} onClick={() => editing.choose(tool)}>
            {name}
          </button>
        ))}
        <button type="button" class="quiet" onClick={onRefresh}>
          New picture
        </button>
      </div>
      <div class="tool-help">
        <p class={editing.openFault.value === "" ? "note" : "fault"} role="status">
          {editing.openFault.value || help(now)}
        </p>
        {now !== "select" && (
          <div class="buttons">
            {now !== "line" && (
              <button
                type="button"
                disabled={!sketchIsWhole(now, editing.sketch.value)}
                onClick={() => editing.closeSketch()}
              >
                Close the outline
              </button>
            )}
            <button
              type="button"
              disabled={editing.sketch.value.length > 0}
              onClick={() => editing.draw(now, middleSketch(now))}
            >
              Place one in the middle
            </button>
          </div>
        )}
      </div>
    </div>
  );
}

function help(tool: Tool): string {
  switch (tool) {
    case "select":
      return "Drag shapes and corners, or choose a corner with Tab and move it with the arrow keys (Shift: further).";
    case "line":
      return "Click where the line begins, then where it ends. Esc stops.";
    case "zone":
      return "Click the corners in order; click the first again, or press Enter, to close. An object is in a zone when its feet are.";
    case "exclude":
      return "Click the corners of a part in which objects do not count; click the first again, or press Enter, to close.";
    case "privacy":
      return "Click the corners of a part that nobody may see; click the first again, or press Enter, to close. It becomes black in all pictures and video.";
    case "include":
      return "Click the corners of the only part in which objects count; click the first again, or press Enter, to close.";
  }
}
