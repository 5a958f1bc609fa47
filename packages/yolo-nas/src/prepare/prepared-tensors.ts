/** Names of a prepared model's tensors, apart from its metadata: a session needs no more, and is loaded sooner. */

/** uint8 [N, 3, H, W], planes G, B, R. */
export const PREPARED_FRAMES = "frames";
/** float32 [N, K, 4] */
export const PREPARED_BOXES = "boxes";
/** float32 [N, K, C] */
export const PREPARED_SCORES = "scores";
