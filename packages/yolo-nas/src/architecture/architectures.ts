/**
 * The YOLO-NAS family as parameter tables. S, M and L are super-gradients'
 * recipes/arch_params/yolo_nas_{s,m,l}_arch_params.yaml; XS is S with every channel count halved.
 */
import { InvalidArgumentError } from "../errors.ts";

/** A cross-stage-partial stage: `blocks` bottlenecks of `hidden` channels, then a 1×1 convolution to `out`. */
export interface StageSpec {
  readonly out: number;
  readonly blocks: number;
  readonly hidden: number;
  /** Concatenate every bottleneck's output instead of only the last one's. */
  readonly concat: boolean;
}

export interface ArchitectureSpec {
  readonly name: string;
  readonly stem: number;
  /** Backbone stages at strides 4, 8, 16 and 32. */
  readonly stages: readonly [StageSpec, StageSpec, StageSpec, StageSpec];
  readonly sppOut: number;
  readonly sppKernels: readonly number[];
  /** Two up-sampling stages, then two down-sampling ones. */
  readonly neck: readonly [StageSpec, StageSpec, StageSpec, StageSpec];
  /** Channels inside the heads at strides 8, 16 and 32. */
  readonly heads: readonly [number, number, number];
  /** Boxes are distributions over `regMax + 1` distances, in grid cells. */
  readonly regMax: number;
}

/** Strides of the three heads, in input pixels per grid cell. */
export const HEAD_STRIDES = [8, 16, 32] as const;

/** Input width and height must be multiples of this. */
export const SIZE_MULTIPLE = 32;

const stage = (out: number, blocks: number, hidden: number, concat = false): StageSpec => ({
  out,
  blocks,
  hidden,
  concat,
});

const common = { sppKernels: [5, 9, 13], regMax: 16 } as const;

export const ARCHITECTURES = {
  yolo_nas_xs: {
    ...common,
    name: "yolo_nas_xs",
    stem: 24,
    stages: [stage(48, 2, 16), stage(96, 3, 32), stage(192, 5, 48), stage(384, 2, 96)],
    sppOut: 384,
    neck: [stage(96, 2, 32), stage(48, 2, 24), stage(96, 2, 32), stage(192, 2, 32)],
    heads: [32, 64, 128],
  },
  yolo_nas_s: {
    ...common,
    name: "yolo_nas_s",
    stem: 48,
    stages: [stage(96, 2, 32), stage(192, 3, 64), stage(384, 5, 96), stage(768, 2, 192)],
    sppOut: 768,
    neck: [stage(192, 2, 64), stage(96, 2, 48), stage(192, 2, 64), stage(384, 2, 64)],
    heads: [64, 128, 256],
  },
  yolo_nas_m: {
    ...common,
    name: "yolo_nas_m",
    stem: 48,
    stages: [stage(96, 2, 64, true), stage(192, 3, 128, true), stage(384, 5, 256, true), stage(768, 2, 384)],
    sppOut: 768,
    neck: [stage(192, 2, 192), stage(96, 3, 64), stage(192, 2, 192), stage(384, 3, 256)],
    heads: [96, 192, 384],
  },
  yolo_nas_l: {
    ...common,
    name: "yolo_nas_l",
    stem: 48,
    stages: [
      stage(96, 2, 96, true),
      stage(192, 3, 128, true),
      stage(384, 5, 256, true),
      stage(768, 2, 512, true),
    ],
    sppOut: 768,
    neck: [stage(192, 4, 128), stage(96, 4, 128), stage(192, 4, 128), stage(384, 4, 256)],
    heads: [128, 256, 512],
  },
} as const satisfies Record<string, ArchitectureSpec>;

export type ArchitectureName = keyof typeof ARCHITECTURES;

/**
 * The table of an architecture by name. @throws InvalidArgumentError for a name that is not in the family
 *
 * @example
 * ```ts
 * assert.equal(architecture("yolo_nas_s").name, "yolo_nas_s");
 * ```
 */
export function architecture(name: string): ArchitectureSpec {
  if (Object.hasOwn(ARCHITECTURES, name)) return ARCHITECTURES[name as ArchitectureName];
  throw new InvalidArgumentError(
    `Unknown architecture "${name}"; choose one of ${Object.keys(ARCHITECTURES).join(", ")}.`,
  );
}

/** The 80 classes of COCO in the order of super-gradients' COCO checkpoints. */
export const COCO_CLASSES: readonly string[] = [
  ..."person,bicycle,car,motorcycle,airplane,bus,train,truck,boat,traffic light,fire hydrant,stop sign".split(
    ",",
  ),
  ..."parking meter,bench,bird,cat,dog,horse,sheep,cow,elephant,bear,zebra,giraffe,backpack,umbrella".split(
    ",",
  ),
  ..."handbag,tie,suitcase,frisbee,skis,snowboard,sports ball,kite,baseball bat,baseball glove".split(","),
  ..."skateboard,surfboard,tennis racket,bottle,wine glass,cup,fork,knife,spoon,bowl,banana,apple".split(","),
  ..."sandwich,orange,broccoli,carrot,hot dog,pizza,donut,cake,chair,couch,potted plant,bed".split(","),
  ..."dining table,toilet,tv,laptop,mouse,remote,keyboard,cell phone,microwave,oven,toaster,sink".split(","),
  ..."refrigerator,book,clock,vase,scissors,teddy bear,hair drier,toothbrush".split(","),
];
