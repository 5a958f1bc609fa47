import type { Locator, Page } from "playwright-core";
import { expect } from "vitest";
import { patience } from "./console-system.ts";

/** The live picture on a camera's page, or on its tile on the wall. */
export function livePicture(page: Page, tile?: string): Locator {
  return (tile === undefined ? page : page.getByTestId(`tile-${tile}`)).locator("canvas.live-canvas");
}

/** The frame that a live picture shows: its epoch and number. */
export async function shownFrame(picture: Locator): Promise<string> {
  return `${await picture.getAttribute("data-epoch")} ${await picture.getAttribute("data-frame")}`;
}

/** Waits until a live picture shows another frame than `before`. */
export async function untilDrawn(picture: Locator, before = "null null"): Promise<void> {
  await expect.poll(() => shownFrame(picture), patience).not.toBe(before);
}
