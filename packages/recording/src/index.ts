export { type CodedPicture, isRecordedCodec, type RecordedCodec } from "./coded-picture.ts";
export { LiveMovie, type LivePart } from "./live-movie.ts";
export { RangeMovie } from "./range-movie.ts";
export { readSegment, type SegmentContent } from "./read-segment.ts";
export { type Decodable, RecentPictures, type RecentPicturesLimits } from "./recent-pictures.ts";
export { type DeleteReason, type FolderOptions, RecordingFolder } from "./recording-folder.ts";
export { type Segment, segmentId } from "./segment.ts";
export type { SegmentKind } from "./segment-name.ts";
export { SegmentWriter, type WriterOptions } from "./segment-writer.ts";
