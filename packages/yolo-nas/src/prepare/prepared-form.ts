/** Names and metadata of the deployment form that `prepareModel` writes. */
import { z } from "zod";
import { PLACEMENTS } from "../detection/letterbox.ts";
import { ModelFileError } from "../errors.ts";

export { PREPARED_BOXES, PREPARED_FRAMES, PREPARED_SCORES } from "./prepared-tensors.ts";

/** The form's name in a description. */
export const PREPARED_FORM = "prepared";
/** Metadata key that marks a prepared model; its value is JSON, see {@link preparedMetadataSchema}. */
export const PREPARED_KEY = "sightline.prepared";

/** What a graph may read: planes G, B, R (ffmpeg's gbrp), or I420, which the graph converts. */
export const PIXEL_FORMATS = ["gbrp", "i420"] as const;
export type PixelFormat = (typeof PIXEL_FORMATS)[number];

const size = z.object({ width: z.int().positive(), height: z.int().positive() });

/** What the metadata of a prepared model says, under {@link PREPARED_KEY}, as JSON. */
export const preparedMetadataSchema = z.object({
  version: z.literal(1),
  classes: z.array(z.string()).min(1).readonly(),
  input: size,
  /** Size of the frames tensor; equal to `input` unless the graph pads. */
  frame: size,
  /** Pictures are scaled to fit this before padding. */
  fit: size,
  pixelFormat: z.enum(PIXEL_FORMATS),
  padValue: z.int().min(0).max(255),
  /** Where pictures lie in the input; the centre when missing. */
  placement: z.enum(PLACEMENTS).optional(),
  /** Candidates per frame, K. */
  candidates: z.int().positive(),
});

export type PreparedMetadata = Readonly<z.infer<typeof preparedMetadataSchema>>;

/**
 * The metadata of a prepared model.
 * @throws ModelFileError when the model was not prepared, or was prepared by an unknown version
 *
 * @example
 * ```ts
 * const { metadata } = await loadModel("models/yolo-nas-pedestrians/fp32.onnx");
 * assert.deepEqual(preparedMetadata(metadata).classes, ["person"]);
 * ```
 */
export function preparedMetadata(metadata: ReadonlyMap<string, string>): PreparedMetadata {
  const text = metadata.get(PREPARED_KEY);
  if (text === undefined) {
    throw new ModelFileError("The model is not in prepared form; run `sightline model prepare` on it first.");
  }
  try {
    return preparedMetadataSchema.parse(JSON.parse(text));
  } catch (cause) {
    throw new ModelFileError("The prepared model's metadata cannot be read; prepare it again.", { cause });
  }
}
