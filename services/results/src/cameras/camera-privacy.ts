import {
  type Camera,
  type CameraRecord,
  limits,
  MaskedVideo,
  PrivacyMask,
  type PrivacySettings,
} from "@sightline/contracts";
import { polygonFaults } from "@sightline/rules";
import { ApiError } from "../grpc/errors.ts";

/** Fields about privacy masks that an update may name, by their path in the protobuf. */
export const privacyPaths = ["privacy_masks", "masked_video"] as const;
export type PrivacyPath = (typeof privacyPaths)[number];

type Privacy = Pick<Camera, "privacyMasks" | "maskedVideo">;

/** How the API calls what is stored of a camera's privacy masks. */
export function privacyOf({ privacy }: Pick<CameraRecord, "privacy">): Privacy {
  const { masks = [], video } = privacy ?? {};
  return {
    privacyMasks: masks.map((polygon) =>
      PrivacyMask.create({ polygon: polygon.map(([x, y]) => ({ x, y })) }),
    ),
    maskedVideo: video === "off" ? MaskedVideo.OFF : MaskedVideo.UNSPECIFIED,
  };
}

/** Checked masks as stored; undefined when all is at its default. */
export function toStoredPrivacy({ privacyMasks, maskedVideo }: Privacy): PrivacySettings | undefined {
  if (privacyMasks.length === 0 && maskedVideo !== MaskedVideo.OFF) return undefined;
  const masks = privacyMasks.map(({ polygon }) => polygon.map(({ x, y }): [number, number] => [x, y]));
  return { masks, ...(maskedVideo === MaskedVideo.OFF && { video: "off" }) };
}

/** What each field is checked by; each throws ApiError invalid_argument. */
export function privacyChecks({ privacyMasks, maskedVideo }: Privacy): Record<PrivacyPath, () => void> {
  return {
    privacy_masks: () => checkMasks(privacyMasks),
    masked_video: () => {
      if (!Object.values<number>(MaskedVideo).includes(maskedVideo))
        throw invalid(
          `camera.masked_video is ${maskedVideo}; expected MASKED_VIDEO_TRANSCODE, MASKED_VIDEO_OFF, or none`,
        );
    },
  };
}

function checkMasks(masks: readonly PrivacyMask[]): void {
  const { maxPrivacyMasks } = limits;
  if (masks.length > maxPrivacyMasks)
    throw invalid(`camera.privacy_masks has ${masks.length} masks; the most is ${maxPrivacyMasks}`);
  for (const [index, { polygon }] of masks.entries()) {
    const [fault] = polygonFaults("", polygon);
    if (fault) throw invalid(`camera.privacy_masks is wrong in mask ${index + 1}: ${fault.message}`);
  }
}

function invalid(message: string): ApiError {
  return new ApiError("invalid_argument", message);
}
