/** CPU time that the cameras of one process may use together, beyond each camera's own share. */
export class SharedWork {
  /** Milliseconds left. */
  leftMs = mostSharedMs;
  /** Cameras that wait for some of it. */
  readonly waiting = new Set<WorkBudget>();
  #earnedAt: number;

  constructor(now: () => number = () => performance.now()) {
    this.#earnedAt = now();
  }

  earn(now: number): void {
    this.leftMs = Math.min(mostSharedMs, this.leftMs + ((now - this.#earnedAt) * sharedMsPerSecond) / 1000);
    this.#earnedAt = now;
  }
}

/** Each camera's own milliseconds per second: more than a well-behaved camera needs that sends 4K at 20 Mbit/s. */
const ownMsPerSecond = 30;
/** How much of its own time a camera can save for a burst. */
const mostOwnMs = 250;
/** Milliseconds per second that all cameras share beyond their own, and how much of that can be saved. */
const sharedMsPerSecond = 200;
const mostSharedMs = 250;
/** What the system needs to receive a megabyte, before our code handles it. */
const msPerByte = 4 / 1e6;
/** The cameras share the process, so they also share this budget. */
const processWork = new SharedWork();

/**
 * Limits the time of a process that is spent on taking in cameras' data. Each camera has a small share of its own, which is enough for a
 * well-behaved one. What a camera uses beyond that comes from a shared part, whose size does not depend on the number of cameras and
 * which is divided equally among those that want it.
 */
export class WorkBudget {
  readonly #now: () => number;
  readonly #shared: SharedWork;
  #leftMs = mostOwnMs;
  #countedAt: number;

  /** `now` is a monotonic clock in milliseconds. */
  constructor(now: () => number = () => performance.now(), shared = processWork) {
    this.#now = now;
    this.#shared = shared;
    this.#countedAt = now();
  }

  /** Runs `work`, which handles this many bytes. Returns for how many milliseconds the camera must then rest; 0 when it need not wait. */
  spend(bytes: number, work: () => void): number {
    const began = this.#now();
    this.#earn(began);
    work();
    this.#leftMs -= this.#now() - began + bytes * msPerByte;
    return this.restMs;
  }

  /** For how many milliseconds the camera must still rest. */
  get restMs(): number {
    this.#earn(this.#now());
    const { waiting } = this.#shared;
    if (this.#leftMs >= 0) {
      waiting.delete(this);
      return 0;
    }
    waiting.add(this);
    return (-this.#leftMs * 1000) / (ownMsPerSecond + sharedMsPerSecond / waiting.size);
  }

  /** The camera sends nothing more. */
  close(): void {
    this.#shared.waiting.delete(this);
  }

  #earn(now: number): void {
    const shared = this.#shared;
    this.#leftMs = Math.min(mostOwnMs, this.#leftMs + ((now - this.#countedAt) * ownMsPerSecond) / 1000);
    this.#countedAt = now;
    shared.earn(now);
    if (this.#leftMs >= 0) return;
    const taken = Math.min(-this.#leftMs, shared.leftMs);
    this.#leftMs += taken;
    shared.leftMs -= taken;
  }
}
