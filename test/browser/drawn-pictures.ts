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

/** What a live picture shows that has not drawn anything yet, and a picture of a video before the first analysed frame. */
const nothing = ["null null", " "];

/** Waits until a live picture shows a frame, and another one than `before`. */
export async function untilDrawn(picture: Locator, before = ""): Promise<void> {
  const isDrawn = async () => ![...nothing, before].includes(await shownFrame(picture));
  await expect.poll(isDrawn, patience).toBe(true);
}
