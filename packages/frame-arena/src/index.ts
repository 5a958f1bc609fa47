export { ArenaUnavailableError } from "./arena-folder.ts";
export { arenaOwner, isRunning, newArenaName } from "./arena-name.ts";
export { ArenaReaders, type ReadFailure } from "./arena-readers.ts";
export { DeadArenas } from "./dead-arenas.ts";
export { FrameArena, type Refusal } from "./frame-arena.ts";
