import { once } from "node:events";
import { createServer } from "node:net";

/** Below those that systems give to connections, and to servers that ask for any: only another caller here can take one. */
const lowest = 10_000;
const count = 20_000;
/** Processes that run at once have numbers near each other; so far apart are the ports that they begin at. */
const share = 101;
let next = (process.pid * share) % count;

/**
 * A TCP port on loopback where nothing listens. No two calls get the same one, so it stays free until it is used, however
 * long that takes; where it is never used, nothing listens for as long as the test runs.
 */
export async function freePort(): Promise<number> {
  for (let tried = 0; tried < count; tried++) {
    const port = lowest + next;
    next = (next + 1) % count;
    if (await isFree(port)) return port;
  }
  throw new Error(`no free TCP port from ${lowest} to ${lowest + count - 1} on 127.0.0.1`);
}

async function isFree(port: number): Promise<boolean> {
  const probe = createServer();
  try {
    probe.listen(port, "127.0.0.1");
    await once(probe, "listening");
    probe.close();
    await once(probe, "close");
    return true;
  } catch {
    return false;
  }
}
