import type { HttpSystem } from "@sightline/contracts";
import { formatBytes } from "../words/numbers.ts";

/** Below this share of free bytes an alert fires. */
const nearlyFull = 0.05;

/** The disk of NATS, and the streams that NATS does not take or give. */
export function StorageLine({ storage: { disk, faults } }: { storage: HttpSystem["storage"] }) {
  const isWrong = faults.length > 0 || (disk !== null && disk.freeBytes < nearlyFull * disk.sizeBytes);
  return (
    <p class={isWrong ? "fault" : "note"} data-testid="storage">
      {disk
        ? `Disk of NATS: ${formatBytes(disk.freeBytes)} of ${formatBytes(disk.sizeBytes)} free (${disk.directory})`
        : "The results service does not see the disk of NATS; SIGHTLINE_NATS_STORE_DIR names its directory"}
      {faults.map(
        ({ stream, lacks }) => ` · ${stream} ${lacks === "takes" ? "takes no messages" : "cannot be read"}`,
      )}
    </p>
  );
}
