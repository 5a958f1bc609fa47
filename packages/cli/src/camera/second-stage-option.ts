import { InvalidArgumentError } from "commander";

/** A second stage as `--then` names it; no classes are all. */
export interface SecondStageOption {
  model: string;
  classes: string[];
}

/** Reads a second stage, such as "colour:person", and adds it to those that were given before. */
export function secondStage(text: string, before: unknown): SecondStageOption[] {
  const at = text.indexOf(":");
  const model = (at === -1 ? text : text.slice(0, at)).trim();
  const classes = (at === -1 ? "" : text.slice(at + 1)).split(",").map((name) => name.trim());
  if (model === "" || (at !== -1 && classes.includes("")))
    throw new InvalidArgumentError("expected a model's name, or MODEL:class,class");
  return [
    ...(Array.isArray(before) ? (before as SecondStageOption[]) : []),
    { model, classes: at === -1 ? [] : classes },
  ];
}
