import type { Gap } from "@sightline/contracts";
import type { CursorKind } from "./cursor.ts";

/** Indices of the parts of a message that a subscriber wants; "all" when it wants every one. */
export type Selection = readonly number[] | "all";

/** What a subscriber wants. */
export interface FeedFilter {
  /** Equal for filters that let the same through. */
  key: string;
  /** Id of the camera when only one is wanted. */
  onlyCamera: string | undefined;
  /** Whether there may be cameras that are kept from whoever asks: sums of all are then not told. */
  scoped: boolean;
}

/** What a feed carries, and the form in which subscribers get it. */
export interface FeedFormat<T, F extends FeedFilter> {
  kind: CursorKind;
  stream: string;
  /** Subject of all of a camera's messages. */
  subjectOf(camera: string): string;
  /** Undefined for a message that is not for subscribers. @throws for one that cannot be read */
  decode(subject: string, data: Uint8Array): T | undefined;
  /** What of a message a subscriber gets; undefined when it gets nothing of it. */
  select(filter: F, message: T): Selection | undefined;
  encode(message: T, selection: Selection, cursor: string): Uint8Array;
  encodeGap(gap: Gap, cursor: string): Uint8Array;
  encodeProgress(cursor: string): Uint8Array;
}

/** The same for selections of the same parts. */
export function selectionKey(selection: Selection): string {
  return selection === "all" ? selection : selection.join();
}
