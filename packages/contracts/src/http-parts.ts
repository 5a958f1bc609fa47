import { z } from "zod";
import { limits } from "./limits.ts";

export const name = z.string().max(63);
/** x_min, y_min, x_max, y_max in 0..1 of the picture. */
export const box = z.tuple([z.number(), z.number(), z.number(), z.number()]);
export const point = z.tuple([z.number(), z.number()]);
export const polygon = z.array(point).max(limits.maxPolygonPoints);

export const latency = z.object({ p50: z.number(), p95: z.number(), p99: z.number() });
