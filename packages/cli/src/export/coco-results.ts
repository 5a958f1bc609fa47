import type { Detection, FrameDetections } from "@sightline/contracts";
import { shorten } from "@sightline/contracts/api";
import { cocoBox, frameFields } from "./record-formats.ts";

/** First category id for a class whose own id is used by a class of another model. */
const firstSpareCategory = 1001;

/** An image in the file that belongs to the results. */
interface CocoImage {
  id: number;
  file_name: string;
  width: number;
  height: number;
  camera: string;
  epoch: string;
  number: number;
  capture_time: string | null;
}

/**
 * Detections in COCO's results format: a list of {image_id, category_id, bbox, score}. Images are numbered from 1 in the order of frames;
 * a category's id is its class's index in the model plus 1. `images` then describes these ids.
 */
export class CocoResults {
  readonly #images: CocoImage[] = [];
  readonly #categories = new Map<string, number>();
  #nextSpare = firstSpareCategory;

  /** The results, piece by piece. */
  async *results(frames: AsyncIterable<FrameDetections>): AsyncGenerator<string, void> {
    let separator = "[\n";
    for await (const frame of frames) {
      const image_id = this.#addImage(frame);
      for (const detection of frame.detections) {
        const result = {
          image_id,
          category_id: this.#category(detection),
          bbox: cocoBox(detection.pixelBox),
          score: shorten(detection.score),
        };
        yield separator + JSON.stringify(result);
        separator = ",\n";
      }
    }
    yield separator === ",\n" ? "\n]\n" : "[]\n";
  }

  /** Images and categories in COCO's form, once all results have been written. */
  async *images(): AsyncGenerator<string, void> {
    yield '{\n"images": [\n';
    for (const [index, image] of this.#images.entries())
      yield `${index > 0 ? ",\n" : ""}${JSON.stringify(image)}`;
    const categories = [...this.#categories].map(([name, id]) => ({ id, name })).sort((a, b) => a.id - b.id);
    yield `\n],\n"categories": ${JSON.stringify(categories)}\n}\n`;
  }

  #addImage(frame: FrameDetections): number {
    const { captureTime, ...fields } = frameFields(frame);
    const { camera, epoch, number } = fields;
    const id = this.#images.length + 1;
    this.#images.push({
      id,
      file_name: `${camera}/${epoch}/${number}.jpg`,
      ...fields,
      capture_time: captureTime,
    });
    return id;
  }

  #category({ classId, className }: Detection): number {
    const known = this.#categories.get(className);
    if (known !== undefined) return known;
    const taken = new Set(this.#categories.values());
    const id = taken.has(classId + 1) ? this.#nextSpare++ : classId + 1;
    this.#categories.set(className, id);
    return id;
  }
}
