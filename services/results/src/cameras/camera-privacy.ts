import {
  type Camera,
  type CameraRecord,
  limits,
  MaskedVideo,
  PrivacyMask,
  type PrivacySettings,
} from "@sightline/contracts";
import { polygonFaults } from "@sightline/rules";
import { ApiError } from "../errors.ts";

type Privacy = Pick<Camera, "privacyMasks" | "maskedVideo">;

/** The API form of a camera's stored privacy masks. */
export function privacyOf({ privacy }: Pick<CameraRecord, "privacy">): Privacy {
  const { masks = [], video } = privacy ?? {};
  return {
    privacyMasks: masks.map((polygon) =>
      PrivacyMask.create({ polygon: polygon.map(([x, y]) => ({ x, y })) }),
    ),
    maskedVideo: video === "off" ? MaskedVideo.OFF : MaskedVideo.UNSPECIFIED,
  };
}

/** Checked masks in stored form; undefined when everything has its default. */
export function toStoredPrivacy({ privacyMasks, maskedVideo }: Privacy): PrivacySettings | undefined {
  if (privacyMasks.length === 0 && maskedVideo !== MaskedVideo.OFF) return undefined;
  const masks = privacyMasks.map(({ polygon }) => polygon.map(({ x, y }): [number, number] => [x, y]));
  return { masks, ...(maskedVideo === MaskedVideo.OFF && { video: "off" }) };
}

/** @throws ApiError invalid_argument */
export function checkPrivacyMasks(masks: readonly PrivacyMask[]): void {
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
