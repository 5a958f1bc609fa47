import { statfs } from "node:fs/promises";

/** Below this much, or below a twentieth of a small one, a disk counts as full, in bytes. */
const fullBytes = 64 * 1024 ** 2;

/** How much room a disk has, in bytes. */
export interface DiskRoom {
  directory: string;
  freeBytes: number;
  sizeBytes: number;
}

/** The room on the disk of a directory; undefined when it cannot be told. */
export async function diskRoom(directory: string): Promise<DiskRoom | undefined> {
  try {
    const { bsize, blocks, bavail } = await statfs(directory);
    return { directory, freeBytes: bsize * bavail, sizeBytes: bsize * blocks };
  } catch {
    return undefined;
  }
}

/** Whether so little is left that NATS may not be able to store. */
export function isDiskFull({ freeBytes, sizeBytes }: DiskRoom): boolean {
  return freeBytes < Math.min(fullBytes, sizeBytes / 20);
}

/** `the disk of /data has 0 MB of 20 GB free`. */
export function diskText({ directory, freeBytes, sizeBytes }: DiskRoom): string {
  return `the disk of ${directory} has ${byteText(freeBytes)} of ${byteText(sizeBytes)} free`;
}

/** `1.5 GiB`; below a GiB in whole MiB. */
export function byteText(bytes: number): string {
  const gib = bytes / 1024 ** 3;
  return gib >= 1 ? `${Math.round(gib * 10) / 10} GiB` : `${Math.floor(bytes / 1024 ** 2)} MiB`;
}
