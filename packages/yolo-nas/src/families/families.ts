/** The families that are known, in the order in which they are tried: those that say more of a file first. */
import { dFine, rfDetr, rtDetr } from "./detr.ts";
import type { Family } from "./family.ts";
import { nmsInside } from "./nms-inside.ts";
import { yolov5 } from "./yolov5.ts";
import { yolov8 } from "./yolov8.ts";
import { yolox } from "./yolox.ts";

export const FAMILIES: readonly Family[] = [yolox, yolov5, yolov8, nmsInside, rfDetr, dFine, rtDetr];
