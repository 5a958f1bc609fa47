/** A loaded, prepared model: planar frames in, candidates out. */
import { access } from "node:fs/promises";
import type { CandidateBatch } from "../detection/decode-candidates.ts";
import type { Size } from "../detection/letterbox.ts";
import { InferenceError, InvalidArgumentError, ModelFileError } from "../errors.ts";
import type { PixelFormat } from "../prepare/prepared-form.ts";
import { PREPARED_BOXES, PREPARED_FRAMES, PREPARED_SCORES } from "../prepare/prepared-tensors.ts";
import { type ExecutionProvider, openSession } from "./execution-provider.ts";
import { type InferenceSession, Tensor } from "./onnx-runtime.ts";

export interface DetectorOptions {
  /** The provider to use; if it is unavailable, loading fails. Default `cpu`. */
  readonly executionProvider?: ExecutionProvider | undefined;
  /** Threads inside one inference. Default: ONNX Runtime's choice, one per physical core. */
  readonly threads?: number | undefined;
  /**
   * Whether idle threads of the session spin while they wait for work. This is fastest on a machine that does nothing else; if decoding,
   * NATS and other sessions need the cores too, spinning takes them away. Default true, as in ONNX Runtime.
   */
  readonly spin?: boolean | undefined;
  /**
   * Compute quantised layers as they are written: 8-bit values, multiplied and summed in float, which is exact to the last digit of an
   * 8-bit result. TensorRT, and processors whose sums cannot clip, compute the same. Slow. Default false.
   */
  readonly simulateInt8?: boolean | undefined;
  /**
   * Layout of the frames: gbrp, as in the file, or I420, which the graph converts to gbrp. A TensorRT engine takes the layout it was built
   * for. Default `gbrp`.
   */
  readonly pixelFormat?: PixelFormat | undefined;
}

/**
 * One ONNX Runtime session over a prepared model. `run` blocks its thread for the whole inference, so a service runs each session in its
 * own worker thread.
 *
 * @example
 * ```ts
 * const session = await DetectorSession.load("models/yolo-nas-pedestrians/int8.cpu.onnx");
 * const grey = new Uint8Array(session.frameBytes).fill(114); // A frame of 512 × 384: planes G, B, R.
 * const outputs = await session.run(grey, 1);
 * const letterbox = computeLetterbox(session.frame, session.frame, session.frame);
 * assert.deepEqual(decodeCandidates(outputs, 0, DEFAULT_THRESHOLDS, letterbox), []); // Nobody is there.
 * await session.stop();
 * ```
 */
export class DetectorSession {
  readonly provider: ExecutionProvider;
  /** Size of the frames that {@link run} takes. */
  readonly frame: Size;
  /** The frames' pixel layout. */
  readonly pixelFormat: PixelFormat;
  /** Candidates per frame, K. */
  readonly candidates: number;
  readonly classCount: number;
  /** The model takes one frame at a time, so a batch is run frame by frame. */
  private readonly oneByOne: boolean;
  /** Shape of one frame. */
  private readonly shape: readonly [planes: number, rows: number, width: number];
  private readonly session: InferenceSession;
  private released: Promise<void> | undefined;

  private constructor(session: InferenceSession, provider: ExecutionProvider) {
    this.session = session;
    this.provider = provider;
    const [batch, planes, rows, width] = fixedShape(session.inputMetadata, PREPARED_FRAMES, 4);
    const [, candidates, classCount] = fixedShape(session.outputMetadata, PREPARED_SCORES, 3);
    this.oneByOne = batch === 1;
    this.pixelFormat = planes === 1 ? "i420" : "gbrp";
    this.frame = { width: width!, height: planes === 1 ? (rows! * 2) / 3 : rows! };
    this.shape = [planes!, rows!, width!];
    this.candidates = candidates!;
    this.classCount = classCount!;
  }

  /**
   * Load a prepared model from a file, or from its bytes.
   * @throws ModelFileError when the file is missing or is not in prepared form
   * @throws ExecutionProviderError when the provider cannot be used here or refuses the model
   */
  static async load(model: string | Uint8Array, options: DetectorOptions = {}): Promise<DetectorSession> {
    if (typeof model === "string") {
      await access(model).catch((cause: unknown) => {
        throw new ModelFileError(`Cannot read the model file ${model}.`, { cause });
      });
    }
    const source = options.pixelFormat === "i420" ? await withI420(model) : model;
    const provider = options.executionProvider ?? "cpu";
    const session = await openSession(source, provider, {
      // Above "basic", quantised layers are fused into integer kernels.
      graphOptimizationLevel: options.simulateInt8 ? "basic" : "all",
      executionMode: "sequential",
      ...(options.threads === undefined ? {} : { intraOpNumThreads: options.threads }),
      ...(options.spin === false ? { extra: { session: { intra_op: { allow_spinning: "0" } } } } : {}),
    });
    try {
      return new DetectorSession(session, provider);
    } catch (error) {
      await session.release();
      throw error;
    }
  }

  /** Bytes of one frame. */
  get frameBytes(): number {
    return this.shape.reduce((product, dim) => product * dim);
  }

  /**
   * Infer one frame given as planes G, B, R, whatever layout the session reads.
   * @throws as {@link run}
   */
  async runPlanes(pixels: Uint8Array): Promise<CandidateBatch> {
    if (this.pixelFormat === "gbrp") return this.run(pixels, 1);
    const { convertPixels } = await import("@sightline/media");
    return this.run(convertPixels(pixels, "gbrp", this.frame, new Uint8Array(this.frameBytes)), 1);
  }

  /**
   * Infer `count` frames.
   * @param pixels the frames one after the other, as planes G, B, R or I420, `count · frameBytes` or more bytes; may lie in shared memory
   * @throws InvalidArgumentError when `pixels` is too short
   * @throws InferenceError when ONNX Runtime fails
   */
  async run(pixels: Uint8Array, count: number): Promise<CandidateBatch> {
    const bytes = count * this.frameBytes;
    if (!Number.isInteger(count) || count < 1 || pixels.length < bytes) {
      throw new InvalidArgumentError(`${count} frames need ${bytes} bytes; ${pixels.length} were given.`);
    }
    const parts: CandidateBatch[] = [];
    if (this.oneByOne)
      for (let from = 0; from < bytes; from += this.frameBytes)
        parts.push(await this.runBatch(pixels.subarray(from, from + this.frameBytes), 1));
    const [first] = parts;
    if (!first) return this.runBatch(pixels.subarray(0, bytes), count);
    return count === 1
      ? first
      : {
          ...first,
          batch: count,
          boxes: joined(parts.map(({ boxes }) => boxes)),
          scores: joined(parts.map(({ scores }) => scores)),
        };
  }

  /** Free the session's memory; further calls do nothing. */
  stop(): Promise<void> {
    this.released ??= this.session.release();
    return this.released;
  }

  private async runBatch(pixels: Uint8Array, count: number): Promise<CandidateBatch> {
    const frames = new Tensor("uint8", pixels, [count, ...this.shape]);
    let outputs: InferenceSession.OnnxValueMapType;
    try {
      outputs = await this.session.run({ [PREPARED_FRAMES]: frames });
    } catch (cause) {
      throw new InferenceError(`Inference of ${count} frames failed: ${(cause as Error).message}`, { cause });
    }
    return {
      batch: count,
      candidates: this.candidates,
      classCount: this.classCount,
      boxes: outputs[PREPARED_BOXES]!.data as Float32Array,
      scores: outputs[PREPARED_SCORES]!.data as Float32Array,
    };
  }
}

/** The model changed to read I420; an engine cannot be changed. */
async function withI420(model: string | Uint8Array): Promise<string | Uint8Array> {
  const [{ decodeModel, encodeModel, loadModel }, { i420Input }, { isEngineWrapper }, { preparedMetadata }] =
    await Promise.all([
      import("../onnx/index.ts"),
      import("../prepare/i420-input.ts"),
      import("../engine/ep-context.ts"),
      import("../prepare/prepared-form.ts"),
    ]);
  const graph = typeof model === "string" ? await loadModel(model) : decodeModel(model);
  if (isEngineWrapper(graph) || preparedMetadata(graph.metadata).pixelFormat === "i420") return model;
  return encodeModel(i420Input(graph));
}

function joined(parts: readonly Float32Array[]): Float32Array {
  const whole = new Float32Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

function fixedShape(
  metadata: readonly InferenceSession.ValueMetadata[],
  name: string,
  rank: number,
): readonly (number | undefined)[] {
  const value = metadata.find((candidate) => candidate.name === name);
  const shape = value?.isTensor ? value.shape : undefined;
  // The first dimension is the batch, which is free, or 1.
  if (shape?.length !== rank || shape.slice(1).some((dim) => typeof dim !== "number" || dim < 1)) {
    throw new ModelFileError(
      `The model has no tensor "${name}" of ${rank} dimensions; run \`sightline model prepare\` on it first.`,
    );
  }
  return shape.map((dim) => (typeof dim === "number" ? dim : undefined));
}
