/** A session's thread whose first slot works, whose second ends the thread, and whose third fails its batch. */
import { parentPort } from "node:worker_threads";
import { stopRequest } from "../serve-session.ts";
import type { RunRequest, SessionMessage } from "../session-messages.ts";

const send = (message: SessionMessage) => parentPort!.postMessage(message);

parentPort!.on("message", (request: RunRequest | typeof stopRequest) => {
  if (request === stopRequest) process.exit(0);
  const { id, slot, frames } = request;
  if (slot === 1) throw new Error("the session's thread breaks");
  if (slot === 2) return send({ kind: "failed", id, message: "the batch fails" });
  const outputs = {
    batch: frames,
    candidates: 0,
    classCount: 1,
    boxes: new Float32Array(0),
    scores: new Float32Array(0),
  };
  return send({ kind: "done", id, outputs, startedAt: 0, runMs: 1 });
});

send({
  kind: "ready",
  engine: { provider: "cpu", precision: "fp32", encoding: "fp32", path: "none", digest: "0" },
  refusals: [],
  pixelFormat: "gbrp",
  arithmetic: "exact",
  curve: [{ batch: 1, milliseconds: 1, fastest: 1 }],
});
