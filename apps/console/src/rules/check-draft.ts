import { crossingEdges, doubleArea } from "./geometry.ts";
import { mostPrivacyMasks } from "./privacy-masks.ts";
import { attributesOf, fieldsOf } from "./rule-types.ts";
import {
  goneName,
  hasName,
  type RuleDraft,
  type RulesDraft,
  type Shape,
  wholePicture,
} from "./rules-draft.ts";

/** A fault that prevents rules from being saved. */
export interface DraftFault {
  /** Key of the shape or rule; empty when the fault concerns the whole. */
  key: string;
  message: string;
}

const properName = /^[\p{L}\p{N}_-](?:[\p{L}\p{N}_ -]{0,61}[\p{L}\p{N}_-])?$/u;

const clockTime = /^(?:[01]\d|2[0-3]):[0-5]\d$|^24:00$/;

/** The faults of a draft, to be shown while drawing. The server has the last word. */
export function checkDraft(draft: RulesDraft): DraftFault[] {
  return [
    ...draft.shapes.flatMap((shape) =>
      shapeFaults(shape, draft).map((message) => ({ key: shape.key, message })),
    ),
    ...draft.rules.flatMap((rule) => ruleFaults(rule).map((message) => ({ key: rule.key, message }))),
  ];
}

/** The server's faults, assigned to their shapes and rules: one fault per line, each beginning with a path such as `zones[1].polygon`. */
export function serverFaults(message: string, draft: RulesDraft): DraftFault[] {
  return message.split("\n").map((line) => {
    const match = /^(?:body\.)?(zones|lines|masks|rules)[[.](\d+)\]?(?:\.([a-z_]+))?[^:]*: (.*)$/.exec(line);
    if (!match) return { key: "", message: line };
    const [, list = "", index = "", field, text = ""] = match;
    const items = list === "rules" ? draft.rules : draft.shapes.filter(({ kind }) => `${kind}s` === list);
    const item = items[Number(index)];
    const shown =
      field && field !== "name" && list === "rules" ? `${field.replaceAll("_", " ")}: ${text}` : text;
    return item ? { key: item.key, message: shown } : { key: "", message: line };
  });
}

/** The same for privacy masks. */
export function maskFaults(message: string, { shapes }: RulesDraft): DraftFault[] {
  const masks = shapes.filter(({ kind }) => kind === "privacy");
  return message.split("\n").map((line) => {
    const [, number, text = ""] = /^camera\.privacy_masks is wrong in mask (\d+): (.*)$/.exec(line) ?? [];
    const mask = masks[Number(number) - 1];
    return mask ? { key: mask.key, message: text } : { key: "", message: line };
  });
}

function shapeFaults(shape: Shape, { shapes }: RulesDraft): string[] {
  const faults: string[] = [];
  const masks = shapes.filter(({ kind }) => kind === "privacy");
  if (masks.indexOf(shape) >= mostPrivacyMasks)
    faults.push(`A camera has ${mostPrivacyMasks} privacy masks at most.`);
  if (hasName(shape)) {
    const namesakes = shapes.filter(({ kind, name }) => kind === shape.kind && name === shape.name);
    if (!properName.test(shape.name))
      faults.push("A name has 1 to 63 letters, digits, “-”, “_” and spaces, none at its ends.");
    else if (namesakes.length > 1) faults.push(`Another ${shape.kind} has this name.`);
  }
  const { points } = shape;
  if (shape.kind === "line") {
    const [start, end] = points;
    if (!start || !end || (start[0] === end[0] && start[1] === end[1]))
      faults.push("The line has no length.");
    return faults;
  }
  const crossing = crossingEdges(points);
  if (points.length < 3) faults.push("At least three corners are needed.");
  else if (crossing)
    faults.push(
      `The edges after corner ${crossing[0] + 1} and after corner ${crossing[1] + 1} cross: move a corner, or draw two.`,
    );
  // Crossing edges have been checked before: with them the area could be zero.
  else if (doubleArea(points) < 1e-6) faults.push("The corners are on one line: there is nothing inside.");
  return faults;
}

function ruleFaults(rule: RuleDraft): string[] {
  const fields = fieldsOf(rule.type);
  const faults: string[] = [];
  if (rule.name !== "" && !properName.test(rule.name))
    faults.push("A name has letters, digits, “-”, “_” and spaces only, none at its ends.");
  if (fields.zone !== "unused") faults.push(...zoneFaults(rule, fields.zone));
  if (fields.line && rule.line === "") faults.push("Choose the line.");
  else if (fields.line && goneName(rule.line) !== undefined)
    faults.push(`There is no line “${goneName(rule.line)}” any more.`);
  if (fields.dwell === "needed" && !(rule.minDwellSeconds > 0))
    faults.push("Say how long the object must stay.");
  if (!attributesOf(rule.attributes))
    faults.push("Write each attribute as name: value, value, with “;” between them.");
  if (!(rule.minScore >= 0 && rule.minScore <= 1)) faults.push("The minimum score is a number from 0 to 1.");
  const least = rule.type === "count_below" ? 1 : 0;
  if (fields.count && !(Number.isInteger(rule.count) && rule.count >= least))
    faults.push(`The number is a whole one, from ${least}.`);
  const { activeHours: hours } = rule;
  if (hours && !(clockTime.test(hours.start) && clockTime.test(hours.end)))
    faults.push("Active hours are written as hh:mm, from 00:00 to 24:00.");
  else if (hours && hours.start === hours.end)
    faults.push("Active hours must not begin and end at the same time.");
  return faults;
}

function zoneFaults({ zone }: RuleDraft, use: "needed" | "optional"): string[] {
  const name = goneName(zone);
  if (name !== undefined) return [`There is no zone “${name}” any more.`];
  if (use === "needed") return zone === "" || zone === wholePicture ? ["Choose the zone."] : [];
  return zone === "" ? ["Choose the zone, or the whole picture."] : [];
}
