import type { HttpSystem } from "@sightline/contracts";
import { DataTable } from "../shell/data-table.tsx";
import {
  formatBytes,
  formatCount,
  formatDuration,
  formatShare,
  formatTime,
} from "../words/numbers-and-times.ts";

/** NATS streams: how much they hold, how near their limit they are, and their disk. */
export function StreamTable({ streams, storage }: Pick<HttpSystem, "streams" | "storage">) {
  return (
    <section class="panel" aria-labelledby="streams-title">
      <h2 id="streams-title">NATS streams</h2>
      <StorageLine storage={storage} />
      <DataTable
        label="Table of streams"
        testId="streams"
        columns={["Stream", "Full", "Bytes", "Messages", "Keeps", "Oldest", "Consumers"]}
      >
        {streams.map((stream) => (
          <tr key={stream.name}>
            <th scope="row">{stream.name}</th>
            <td class="fill-cell" data-label="Full">
              <Fill bytes={stream.bytes} maxBytes={stream.maxBytes} />
            </td>
            <td class="number" data-label="Bytes">
              {formatBytes(stream.bytes)}
              {stream.maxBytes > 0 && ` of ${formatBytes(stream.maxBytes)}`}
            </td>
            <td class="number" data-label="Messages">
              {formatCount(stream.messages)}
            </td>
            <td data-label="Keeps">
              {stream.maxAgeSeconds > 0 ? formatDuration(stream.maxAgeSeconds) : "no time limit"}
            </td>
            <td data-label="Oldest">{stream.oldestTime ? formatTime(stream.oldestTime) : "–"}</td>
            <td class="number" data-label="Consumers">
              {stream.consumers}
            </td>
          </tr>
        ))}
      </DataTable>
    </section>
  );
}

function Fill({ bytes, maxBytes }: { bytes: number; maxBytes: number }) {
  if (maxBytes === 0) return <span class="note">unbounded</span>;
  const share = bytes / maxBytes;
  return (
    <>
      <FillBar share={share} warnAt={0.9} label={`${formatShare(share)} full`} /> {formatShare(share)}
    </>
  );
}

interface Props {
  /** 0..1. */
  share: number;
  label: string;
  /** From this share on it is marked as nearly full. */
  warnAt: number;
}

/** A bar that shows how full something is. */
export function FillBar({ share, label, warnAt }: Props) {
  const within = Math.min(1, Math.max(0, share));
  return (
    <span class={share >= warnAt ? "fill-bar high" : "fill-bar"} role="img" aria-label={label}>
      <span style={{ width: `${within * 100}%` }} />
    </span>
  );
}

/** Below this share of free bytes an alert is raised. */
const nearlyFull = 0.05;

/** NATS's disk, and the streams that NATS cannot write or read. */
function StorageLine({ storage: { disk, faults } }: { storage: HttpSystem["storage"] }) {
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
