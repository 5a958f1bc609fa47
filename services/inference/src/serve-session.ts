import { parentPort } from "node:worker_threads";

/**
 * To the thread: end between two runs. If a thread is terminated inside ONNX Runtime's own code, for example while a model
 * is loaded, the whole process ends with it.
 */
export const stopRequest = "stop";

/** From a thread with a session: `Info` when the session is open, and `Answer` for each request. */
export type ThreadMessage<Info, Answer> =
  | ({ kind: "ready" } & Info)
  | { kind: "cannot-open"; message: string }
  | Settled<Answer>;
export type Settled<Answer> =
  | ({ kind: "done"; id: number } & Answer)
  | { kind: "failed"; id: number; message: string };

/** What a thread does with its session. */
export interface ServedSession<Session, Info, Request, Answer> {
  open(): Promise<Session>;
  /** Returns the information that is sent when requests may come. */
  ready(session: Session): Promise<Info>;
  /** Answers a request; `transfer` is moved, not copied. */
  answer(session: Session, request: Request): Promise<{ answer: Answer; transfer: ArrayBuffer[] }>;
}

/**
 * The thread's side of a `ThreadedSession`: opens the session and answers requests, one at a time, until it is told to
 * stop.
 */
export async function serveSession<
  Session extends { stop(): Promise<void> },
  Info extends object,
  Request extends { id: number },
  Answer extends object,
>({ open, ready, answer }: ServedSession<Session, Info, Request, Answer>): Promise<void> {
  const port = parentPort!;
  const send = (message: ThreadMessage<Info, Answer>, transfer: ArrayBuffer[] = []) =>
    port.postMessage(message, transfer);
  let opened: Session | undefined;
  let stopping = false;
  port.on("message", async (request) => {
    if (request !== stopRequest) return;
    stopping = true;
    await opened?.stop().catch(() => undefined);
    process.exit(0);
  });
  const settle = async (session: Session, request: Request) => {
    const { id } = request;
    try {
      const { answer: given, transfer } = await answer(session, request);
      send({ kind: "done", id, ...given }, transfer);
    } catch (error) {
      send({ kind: "failed", id, message: (error as Error).message });
    }
  };
  try {
    const session = await open();
    opened = session;
    const info = await ready(session);
    // One at a time, in the order in which they were sent.
    let last = Promise.resolve();
    port.on("message", (request: Request | typeof stopRequest) => {
      if (request !== stopRequest) last = last.then(() => (stopping ? undefined : settle(session, request)));
    });
    send({ kind: "ready", ...info });
  } catch (error) {
    send({ kind: "cannot-open", message: (error as Error).message });
  }
}
