const mostPerSecond = 240;
const leastPerSecond = 24;
/** Below this the page feels slow. */
const smoothFps = 40;
const mostFps = 25;

/** How many pictures a second, of all cameras together, the page can draw and stay smooth. */
export class PictureBudget {
  #perSecond = 160;

  /** Takes the page's own frame rate; returns whether the budget has changed. */
  report(framesPerSecond: number): boolean {
    const factor = framesPerSecond < smoothFps ? 0.7 : framesPerSecond > 55 ? 1.1 : 1;
    const next = Math.round(Math.min(mostPerSecond, Math.max(leastPerSecond, this.#perSecond * factor)));
    if (next === this.#perSecond) return false;
    this.#perSecond = next;
    return true;
  }

  /** Pictures a second for each of `cameras` cameras; in steps, so that small changes are none. */
  maxFps(cameras: number): number {
    const each = Math.min(mostFps, this.#perSecond / Math.max(1, cameras));
    return each >= 4 ? Math.floor(each) : Math.max(0.5, Math.floor(each * 2) / 2);
  }
}
