import { arenaKey } from "./arena-name.ts";

/** Bytes of the mark behind a frame's pixels. */
export const markBytes = 16;

/**
 * The mark of a frame: it stands behind the pixels while the slot holds this frame, and is wiped before the slot's memory
 * is used again. So whoever reads the pixels and then this mark has read this frame, whole.
 */
export function writeMark(target: Buffer, arena: string, generation: number): void {
  target.write(arenaKey(arena) ?? "", "hex");
  target.writeBigUInt64LE(BigInt(generation), 8);
}

export function isMark(found: Buffer, arena: string, generation: number): boolean {
  return found.readBigUInt64LE(8) === BigInt(generation) && found.toString("hex", 0, 8) === arenaKey(arena);
}
