/** What the cameras of one process may take of it together, beyond what each has for itself. */
export class SharedWork {
  /** Milliseconds that are left. */
  leftMs = mostSharedMs;
  /** Cameras that wait for a part of it. */
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

/** Milliseconds of each second that are a camera's own: more than an honest one takes that sends 4K at 20 Mbit/s. */
const ownMsPerSecond = 30;
/** What a camera saves of its own for a burst. */
const mostOwnMs = 250;
/** Milliseconds of each second that all cameras have beyond it, and what is saved of them. */
const sharedMsPerSecond = 200;
const mostSharedMs = 250;
/** What the system takes to bring a megabyte, before anyone looks at it. */
const msPerByte = 4 / 1e6;
/** Cameras share the process; so do they this. */
const processWork = new SharedWork();

/**
 * Bounds the time that taking cameras' bytes takes of a process. Each camera has a little for itself, which is all that an honest
 * one needs; what one takes beyond comes from a part that is the same for one and for many, of which those that want it get alike.
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

  /** Does `work` with so many bytes. Returns for how many milliseconds nothing more is to be done then; 0 when there is no need to wait. */
  spend(bytes: number, work: () => void): number {
    const began = this.#now();
    this.#earn(began);
    work();
    this.#leftMs -= this.#now() - began + bytes * msPerByte;
    return this.restMs;
  }

  /** For how many milliseconds nothing is to be done. */
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

  /** Nothing more comes. */
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
