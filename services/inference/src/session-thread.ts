import type { BatchRun, BatchRunner, RunRequest, SessionInfo, SessionSettings } from "./session-messages.ts";
import { ThreadedSession, type ThreadedSessionOptions } from "./threaded-session.ts";

export type SessionThreadOptions = Omit<ThreadedSessionOptions<SessionSettings>, "entry"> & { entry?: URL };

/** What a thread found out about this processor, for later threads. */
let saturates: boolean | undefined;

/** Owns the thread that owns a detector's session. */
export class SessionThread
  extends ThreadedSession<SessionSettings, SessionInfo, Omit<RunRequest, "id">, BatchRun>
  implements BatchRunner
{
  #pixelFormat: SessionInfo["pixelFormat"] | undefined;

  constructor(options: SessionThreadOptions) {
    super({ entry: new URL("./session-worker.ts", import.meta.url), ...options });
  }

  run(slot: number, frames: number): Promise<BatchRun> {
    return this.ask({ slot, frames });
  }

  protected override begin(settings: SessionSettings): SessionSettings {
    return { ...settings, saturates };
  }

  protected override opened(info: SessionInfo): void {
    saturates ??= info.saturates;
    this.#pixelFormat = info.pixelFormat;
  }

  /** Uses the previous format, whichever engine runs now: the frames in the slots have that layout. */
  protected override again(settings: SessionSettings): SessionSettings {
    const frameFormat = this.#pixelFormat ?? settings.frameFormat;
    return { ...settings, frameFormat, otherFormat: false, warmUpSizes: [1] };
  }
}
