import type { JSHandle, Locator, Page } from "playwright-core";
import { expect } from "vitest";
import { patience } from "./console-system.ts";

type Point = readonly [x: number, y: number];
type Color = readonly [red: number, green: number, blue: number];

/** Where in the canvas the picture lies, in canvas pixels. */
export interface View {
  x: number;
  y: number;
  width: number;
  height: number;
}

/** What is used of canvases in the page. */
interface Canvas {
  width: number;
  height: number;
  dataset: Record<string, string>;
}
declare const OffscreenCanvas: new (
  width: number,
  height: number,
) => {
  getContext(
    kind: "2d",
    settings: { willReadFrequently: boolean },
  ): {
    drawImage(source: Canvas, x: number, y: number): void;
    getImageData(x: number, y: number, width: number, height: number): { data: Uint8ClampedArray };
  };
};

interface Kept {
  epoch: string;
  number: number;
  view: string;
  width: number;
  data: Uint8ClampedArray;
}

/** The pixels of a live picture, taken in the same moment as the frame that it says it shows. */
export class CanvasShot {
  readonly epoch: string;
  readonly number: number;
  readonly view: View;
  readonly #pixels: JSHandle<Kept>;

  /** Takes the picture as it is drawn now. */
  static async take(canvas: Locator): Promise<CanvasShot> {
    const pixels = await canvas.evaluateHandle((element: Canvas): Kept => {
      const { width, height, dataset } = element;
      const copy = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true });
      copy.drawImage(element, 0, 0);
      const { data } = copy.getImageData(0, 0, width, height);
      return { epoch: dataset.epoch!, number: Number(dataset.frame), view: dataset.view!, width, data };
    });
    const { epoch, number, view } = await pixels.evaluate(({ epoch, number, view }) => ({
      epoch,
      number,
      view,
    }));
    return new CanvasShot(epoch, number, view, pixels);
  }

  private constructor(epoch: string, number: number, view: string, pixels: JSHandle<Kept>) {
    const [x, y, width, height] = view.split(" ").map(Number) as [number, number, number, number];
    this.epoch = epoch;
    this.number = number;
    this.view = { x, y, width, height };
    this.#pixels = pixels;
  }

  /** The colours at points given in canvas pixels. */
  colors(points: readonly Point[]): Promise<Color[]> {
    return this.#pixels.evaluate(
      ({ data, width }, points) =>
        points.map(([x, y]): Color => {
          const at = (y * width + x) * 4;
          return [data[at]!, data[at + 1]!, data[at + 2]!];
        }),
      points,
    );
  }
}

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
