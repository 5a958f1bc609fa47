/** Cameras whose analysis in this process makes no progress, and why. */
export class Stalls {
  readonly #reasons = new Map<string, string>();

  /** Undefined: it goes on. */
  tell(camera: string, reason: string | undefined): void {
    if (reason === undefined) this.#reasons.delete(camera);
    else this.#reasons.set(camera, reason);
  }

  /** Whether there is any. */
  get any(): boolean {
    return this.#reasons.size > 0;
  }

  find(camera: string): string | undefined {
    return this.#reasons.get(camera);
  }
}
