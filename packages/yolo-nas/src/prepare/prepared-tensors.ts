/** Names of a prepared model's tensors, separate from its metadata: a session needs only these, and loads faster. */

/** uint8 [N, 3, H, W], planes G, B, R. */
export const PREPARED_FRAMES = "frames";
/** float32 [N, K, 4] */
export const PREPARED_BOXES = "boxes";
/** float32 [N, K, C] */
export const PREPARED_SCORES = "scores";
