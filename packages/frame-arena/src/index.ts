export {
  type ArenaErrorCode,
  ArenaUnavailableError,
  arenaOwner,
  isRunning,
  newArenaName,
} from "./arena-file.ts";
export { ArenaReaders, type ReadFailure } from "./arena-readers.ts";
export { DeadArenas } from "./dead-arenas.ts";
export { FrameArena, type Refusal } from "./frame-arena.ts";
