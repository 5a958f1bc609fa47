import type { AnnotatedBox } from "./annotation-svg.ts";

/** What is drawn of a detection or a track. */
export interface FoundObject {
  classId: number;
  className: string;
  /** 0 to 1. */
  score: number;
  /** In 0..1 of the picture's width and height. */
  normalizedBox?: AnnotatedBox["box"] | undefined;
  /** What second stages take it for. */
  attributes: readonly { value: string }[];
}

/** How a detection or track is drawn: its class, what second stages take it for, its score in percent, and its track where it has one. */
export function annotatedBox(found: FoundObject, trackId: string): AnnotatedBox[] {
  const { classId, className, score, normalizedBox: box, attributes } = found;
  const words = [className, ...attributes.map(({ value }) => value)].join(" ");
  const name = trackId === "" ? words : `${words} #${shortId(trackId)}`;
  return box ? [{ classId, label: `${name} ${Math.round(100 * score)}%`, box }] : [];
}

/** A track's number without the incarnation in front of it. */
function shortId(trackId: string): string {
  return trackId.slice(trackId.lastIndexOf("-") + 1);
}
