import { statfs } from "node:fs/promises";

/** A disk with less free space than this counts as full, in bytes; for a small disk, less than a twentieth of its size. */
const fullBytes = 64 * 1024 ** 2;

/** Free space of a disk, in bytes. */
export interface DiskRoom {
  directory: string;
  freeBytes: number;
  sizeBytes: number;
}

/** The free space on the disk of a directory; undefined when it cannot be read. */
export async function diskRoom(directory: string): Promise<DiskRoom | undefined> {
  try {
    const { bsize, blocks, bavail } = await statfs(directory);
    return { directory, freeBytes: bsize * bavail, sizeBytes: bsize * blocks };
  } catch {
    return undefined;
  }
}

/** Whether so little space is left that NATS may not be able to store. */
export function isDiskFull({ freeBytes, sizeBytes }: DiskRoom): boolean {
  return freeBytes < Math.min(fullBytes, sizeBytes / 20);
}

/** `the disk of /data has 0 MB of 20 GB free`. */
export function diskText({ directory, freeBytes, sizeBytes }: DiskRoom): string {
  return `the disk of ${directory} has ${byteText(freeBytes)} of ${byteText(sizeBytes)} free`;
}

/** `1.5 GiB`; in whole MiB below one GiB. */
export function byteText(bytes: number): string {
  const gib = bytes / 1024 ** 3;
  return gib >= 1 ? `${Math.round(gib * 10) / 10} GiB` : `${Math.floor(bytes / 1024 ** 2)} MiB`;
}
