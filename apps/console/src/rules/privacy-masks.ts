import type { HttpCamera } from "@sightline/contracts";
import { getCamera, updateCamera } from "../api/calls.ts";
import { RequestError } from "../api/request.ts";
import type { RulesDraft, Shape } from "./rules-draft.ts";

type Masks = HttpCamera["privacyMasks"];

/** Most masks of a camera (limits.ts of the contracts). */
export const mostPrivacyMasks = 16;

/** Other settings of the camera may change while its masks are saved; then it is loaded again, at most this often. */
const attempts = 3;

/** A camera's privacy masks as shapes for editing. */
export function maskShapes(masks: Masks): Shape[] {
  return masks.map((points, index) => ({
    ...{ key: `privacy-${index}`, kind: "privacy", name: "", mode: "exclude" },
    points,
  }));
}

/** The masks of a draft in the server's form. */
export function masksOf({ shapes }: RulesDraft): Masks {
  return shapes
    .filter(({ kind }) => kind === "privacy")
    .map(({ points }) => points.map(([x, y]): [number, number] => [rounded(x), rounded(y)]));
}

/**
 * Saves a draft's privacy masks, a setting of the camera; its other settings stay. `saved`: the masks when the draft began; undefined replaces any
 * masks. @throws RequestError; etag_mismatch when somebody else has changed the masks since they were loaded
 */
export async function saveMasks(
  id: string,
  draft: RulesDraft,
  saved: RulesDraft | undefined,
): Promise<HttpCamera> {
  for (let attempt = 1; ; attempt++) {
    const { privacyMasks, etag } = await getCamera(id);
    if (saved && !isDeepSame(masksOf({ ...saved, shapes: maskShapes(privacyMasks) }), masksOf(saved)))
      throw new RequestError("etag_mismatch", "Somebody else has changed the masks.", 412);
    try {
      return await updateCamera(id, { privacyMasks: masksOf(draft) }, etag);
    } catch (error) {
      const isChanged = error instanceof RequestError && error.code === "etag_mismatch";
      if (!isChanged || attempt === attempts) throw error;
    }
  }
}

function isDeepSame(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

/** Same precision as rules. */
function rounded(value: number): number {
  return Math.round(value * 10_000) / 10_000;
}
