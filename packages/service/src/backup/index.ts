export { ArchiveError } from "./archive.ts";
export * from "./backup.ts";
export { SnapshotError } from "./stream-snapshots.ts";
