import { Camera, type CameraRecord, type CameraShare, cameraName } from "@sightline/contracts";
import { WatchCamerasResponse_Change as Change } from "@sightline/contracts/api";
import type { CameraStatusView, KvMirror } from "@sightline/service";
import { allCameras, type CameraScope } from "../access/camera-scope.ts";
import type { CameraEntries } from "./camera-entries.ts";
import { toCameraMessage } from "./camera-message.ts";
import type { CameraRegistry } from "./camera-registry.ts";
import type { RecordStreams } from "./record-streams.ts";

/** Takes one change; returns whether it accepts more before `drained` is called. */
export type CameraSink = (change: Change, camera: Camera) => boolean;

/** Notifies watchers of every camera and its changes. A slow watcher gets the newest state of each camera, not every step. */
export class CameraWatchers {
  readonly #registry: CameraRegistry;
  readonly #status: CameraStatusView;
  readonly #watchers = new Set<CameraWatcher>();
  readonly #unsubscribe: (() => void)[];

  constructor(
    registry: CameraRegistry,
    records: KvMirror<CameraRecord>,
    recordStreams: RecordStreams,
    shares: CameraEntries<CameraShare>,
    status: CameraStatusView,
  ) {
    this.#registry = registry;
    this.#status = status;
    const tellUpdated = (id: string) => {
      if (registry.find(id)) this.#tell(id, Change.UPDATED);
    };
    this.#unsubscribe = [
      records.onChange(({ key, value, previous }) =>
        this.#tell(key, !value ? Change.DELETED : previous ? Change.UPDATED : Change.REGISTERED),
      ),
      recordStreams.onChange(tellUpdated),
      shares.onChange(tellUpdated),
      status.onChange((id) => {
        if (registry.find(id)) this.#tell(id, Change.STATUS);
      }),
    ];
  }

  /** Starts a watcher: `sink` gets every camera of the scope now, then each change. */
  watch(sink: CameraSink, scope: CameraScope = allCameras): CameraWatcher {
    const watcher = new CameraWatcher(
      sink,
      (id) => {
        const stored = this.#registry.find(id);
        return stored
          ? toCameraMessage(stored, this.#status.find(id))
          : Camera.fromPartial({ name: cameraName(id) });
      },
      scope,
    );
    this.#watchers.add(watcher);
    for (const id of this.#registry.ids()) watcher.note(id, Change.EXISTING);
    return watcher;
  }

  unwatch(watcher: CameraWatcher): void {
    this.#watchers.delete(watcher);
  }

  async stop(): Promise<void> {
    for (const unsubscribe of this.#unsubscribe) unsubscribe();
  }

  #tell(id: string, change: Change): void {
    for (const watcher of this.#watchers) watcher.note(id, change);
  }
}

/** One watcher and the changes that it has not received yet: at most one for each camera. */
export class CameraWatcher {
  readonly #sink: CameraSink;
  readonly #scope: CameraScope;
  readonly #read: (id: string) => Camera;
  readonly #pending = new Map<string, Change>();
  #blocked = false;

  constructor(sink: CameraSink, read: (id: string) => Camera, scope: CameraScope) {
    this.#scope = scope;
    this.#sink = sink;
    this.#read = read;
  }

  /** Notes a change, unless its camera is outside the scope, and passes it on when the watcher can take it. */
  note(id: string, change: Change): void {
    if (!this.#scope.sees(id)) return;
    const before = this.#pending.get(id);
    this.#pending.set(id, before === undefined ? change : merge(before, change));
    this.#flush();
  }

  /** The sink can take more. */
  drained(): void {
    this.#blocked = false;
    this.#flush();
  }

  #flush(): void {
    for (const [id, change] of this.#pending) {
      if (this.#blocked) return;
      this.#pending.delete(id);
      this.#blocked = !this.#sink(change, this.#read(id));
    }
  }
}

/** Two consecutive changes combined into one. */
function merge(first: Change, second: Change): Change {
  if (second === Change.DELETED) return second;
  if (first === Change.DELETED) return Change.UPDATED;
  return first === Change.STATUS ? second : first;
}
