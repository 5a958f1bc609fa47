/** A loaded classifier: a frame and boxes in, probabilities of each attribute's values out. */
import type { Size } from "../detection/letterbox.ts";
import { InferenceError, ModelFileError } from "../errors.ts";
import { openSession } from "../runtime/execution-provider.ts";
import { type InferenceSession, Tensor } from "../runtime/onnx-runtime.ts";
import {
  attributeOutput,
  CLASSIFIER_BOXES,
  CLASSIFIER_FRAME,
  type ClassifierAttribute,
} from "./classifier-form.ts";

export interface ClassifierOptions {
  /** Threads inside one run. Default: ONNX Runtime's choice. */
  readonly threads?: number | undefined;
}

/**
 * One ONNX Runtime session over a classifier, on the CPU. `run` blocks its thread for the whole run.
 *
 * @example
 * ```ts
 * const { attributes } = (await readClassifier("models/clothing-colour"))!;
 * const session = await ClassifierSession.load("models/clothing-colour/fp32.onnx", attributes);
 * const red = new Uint8Array(3 * 64 * 32).fill(255, 2 * 64 * 32); // Planes G, B, R.
 * const [colours] = await session.run(red, { width: 32, height: 64 }, Float32Array.of(0, 0, 32, 64));
 * assert.equal(colours?.length, attributes[0]?.values.length);
 * await session.stop();
 * ```
 */
export class ClassifierSession {
  readonly attributes: readonly ClassifierAttribute[];
  private readonly session: InferenceSession;
  /** The model takes one box at a time. */
  private readonly oneByOne: boolean;
  private released: Promise<void> | undefined;

  private constructor(session: InferenceSession, attributes: readonly ClassifierAttribute[]) {
    this.session = session;
    this.attributes = attributes;
    const boxes = session.inputMetadata.find(({ name }) => name === CLASSIFIER_BOXES);
    const outputs = new Map(
      session.outputMetadata.map((each) => [each.name, each.isTensor ? each.shape : []]),
    );
    const fits = attributes.every(({ name, values }) => {
      const count = outputs.get(attributeOutput(name))?.[1];
      return count === values.length;
    });
    if (!boxes?.isTensor || !fits)
      throw new ModelFileError(
        "The file is no classifier with these attributes; import it again with `sightline model import --family classifier`.",
      );
    this.oneByOne = boxes.shape[0] === 1;
  }

  /**
   * Load a classifier from a file, or from its bytes.
   * @throws ModelFileError when it cannot be read, or does not have these attributes
   */
  static async load(
    model: string | Uint8Array,
    attributes: readonly ClassifierAttribute[],
    { threads }: ClassifierOptions = {},
  ): Promise<ClassifierSession> {
    const session = await openSession(model, "cpu", {
      graphOptimizationLevel: "all",
      executionMode: "sequential",
      ...(threads === undefined ? {} : { intraOpNumThreads: threads }),
      // Errors are thrown instead.
      logSeverityLevel: 4,
      extra: { session: { intra_op: { allow_spinning: "0" } } },
    });
    try {
      return new ClassifierSession(session, attributes);
    } catch (error) {
      await session.release();
      throw error;
    }
  }

  /**
   * @param pixels planes G, B, R of the frame
   * @param boxes x1, y1, x2, y2 of each object in pixels of the frame
   * @returns for each attribute the probabilities of its values, object after object
   * @throws InferenceError when ONNX Runtime fails, or gives values that are not numbers
   */
  async run(pixels: Uint8Array, { width, height }: Size, boxes: Float32Array): Promise<Float32Array[]> {
    const frame = new Tensor("uint8", pixels.subarray(0, 3 * width * height), [1, 3, height, width]);
    if (!this.oneByOne) return this.runBoxes(frame, boxes);
    const parts: Float32Array[][] = [];
    for (let from = 0; from < boxes.length; from += 4)
      parts.push(await this.runBoxes(frame, boxes.subarray(from, from + 4)));
    return this.attributes.map((_, i) => Float32Array.from(parts.flatMap((part) => [...part[i]!])));
  }

  /** Free the session's memory; further calls do nothing. */
  stop(): Promise<void> {
    this.released ??= this.session.release();
    return this.released;
  }

  private async runBoxes(frame: Tensor, boxes: Float32Array): Promise<Float32Array[]> {
    const tensor = new Tensor("float32", boxes, [boxes.length / 4, 4]);
    let outputs: InferenceSession.OnnxValueMapType;
    try {
      outputs = await this.session.run({ [CLASSIFIER_FRAME]: frame, [CLASSIFIER_BOXES]: tensor });
    } catch (cause) {
      throw new InferenceError(`Objects could not be looked at: ${(cause as Error).message}`, { cause });
    }
    return this.attributes.map(({ name }) => {
      const values = outputs[attributeOutput(name)]!.data as Float32Array;
      if (!values.every(Number.isFinite))
        throw new InferenceError(`The classifier's '${name}' holds values that are not finite.`);
      return values;
    });
  }
}
