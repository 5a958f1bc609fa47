/** Runs a prepared model in a bare loop: what the session alone can do. */
import { DetectorSession, type ExecutionProvider } from "@sightline/yolo-nas";
import { answerCounts, benchSettings, type Usage } from "./bench-process.ts";

export interface BareLoopSettings {
  path: string;
  provider: ExecutionProvider;
  threads: number;
  batch: number;
}

export interface BareLoopCounts extends Usage {
  frames: number;
}

if (import.meta.main) {
  const { path, provider, threads, batch } = benchSettings<BareLoopSettings>();
  const session = await DetectorSession.load(path, { executionProvider: provider, threads });
  const pixels = new Uint8Array(new SharedArrayBuffer(batch * session.frameBytes));
  await session.run(pixels, batch);
  let frames = 0;
  answerCounts(() => ({ frames }));
  for (;;) {
    await session.run(pixels, batch);
    frames += batch;
    // Lets the process answer; a bare loop of runs would never.
    await new Promise((resolve) => setImmediate(resolve));
  }
}
