/**
 * The structure of YOLO-NAS, described once for every purpose: a visitor interprets each layer (as graph nodes, as parameter counts, as
 * names and shapes). Paths are super-gradients' state-dict names. Source: super-gradients
 * training/models/detection_models/yolo_nas/{yolo_stages,panneck,dfl_heads}.py.
 */
import { type ArchitectureSpec, HEAD_STRIDES, type StageSpec } from "./architectures.ts";

/** A 3×3 QARepVGG block of parallel branches, or a plain convolution with BatchNorm; both end in ReLU. */
export type BlockKind = "repvgg" | "conv";

export interface BlockSpec {
  readonly path: string;
  readonly kind: BlockKind;
  readonly out: number;
  readonly size: number;
  readonly stride: number;
  /** QARepVGG's identity branch; always false for a plain convolution. */
  readonly identity: boolean;
}

/** Interprets the network's layers over values `V`. */
export interface NetworkVisitor<V> {
  block(x: V, spec: BlockSpec): V;
  /** `alpha · x + cv2(cv1(x))`, both 3×3 at stride 1, with `alpha` a learned scalar. */
  bottleneck(x: V, path: string, kind: BlockKind): V;
  concat(values: readonly V[]): V;
  /** Max pooling at stride 1 that keeps the size. */
  maxPool(x: V, path: string, size: number): V;
  /** Transposed 2×2 convolution at stride 2 with bias; keeps the channel count. */
  upsample(x: V, path: string): V;
  /** 1×1 convolution with bias and no activation. */
  prediction(x: V, path: string, out: number): V;
}

/** What one head predicts, before decoding. */
export interface HeadValues<V> {
  readonly stride: number;
  /** Class logits, [B, classes, H/stride, W/stride]. */
  readonly classes: V;
  /** Distance logits, [B, 4·(regMax+1), H/stride, W/stride], side-major (left, top, right, bottom). */
  readonly distances: V;
}

/** Walk the network from an image value to the undecoded predictions of its three heads. */
export function visitNetwork<V>(
  arch: ArchitectureSpec,
  classCount: number,
  image: V,
  visitor: NetworkVisitor<V>,
): HeadValues<V>[] {
  const conv = (x: V, path: string, out: number, size: number, stride = 1) =>
    visitor.block(x, { path, kind: "conv", out, size, stride, identity: false });
  const downsample = (x: V, path: string, out: number) =>
    visitor.block(x, { path, kind: "repvgg", out, size: 3, stride: 2, identity: false });

  const cspLayer = (x: V, path: string, spec: StageSpec, kind: BlockKind): V => {
    const main = [conv(x, `${path}.conv1`, spec.hidden, 1)];
    for (let i = 0; i < spec.blocks; i++) {
      main.push(visitor.bottleneck(main.at(-1)!, `${path}.bottlenecks.${i}`, kind));
    }
    const side = conv(x, `${path}.conv2`, spec.hidden, 1);
    const kept = spec.concat ? main : main.slice(-1);
    return conv(visitor.concat([...kept, side]), `${path}.conv3`, spec.out, 1);
  };

  const upStage = (x: V, near: V, far: V, path: string, spec: StageSpec): [inter: V, out: V] => {
    const reducedNear = conv(near, `${path}.reduce_skip1`, spec.out, 1);
    const reducedFar = conv(far, `${path}.reduce_skip2`, spec.out, 1);
    const inter = conv(x, `${path}.conv`, spec.out, 1);
    const joined = visitor.concat([
      visitor.upsample(inter, `${path}.upsample`),
      reducedNear,
      conv(reducedFar, `${path}.downsample`, spec.out, 3, 2),
    ]);
    const reduced = conv(joined, `${path}.reduce_after_concat`, spec.out, 1);
    return [inter, cspLayer(reduced, `${path}.blocks`, spec, "repvgg")];
  };

  const downStage = (x: V, skip: V, path: string, spec: StageSpec): V => {
    const joined = visitor.concat([conv(x, `${path}.conv`, spec.out / 2, 3, 2), skip]);
    return cspLayer(joined, `${path}.blocks`, spec, "conv");
  };

  let x = downsample(image, "backbone.stem.conv", arch.stem);
  const features = arch.stages.map((spec, i) => {
    const path = `backbone.stage${i + 1}`;
    x = cspLayer(downsample(x, `${path}.downsample`, spec.out), `${path}.blocks`, spec, "repvgg");
    return x;
  });
  const spp = conv(x, "backbone.context_module.cv1", arch.stages[3].out / 2, 1);
  const pools = arch.sppKernels.map((size, i) =>
    visitor.maxPool(spp, `backbone.context_module.m.${i}`, size),
  );
  const c5 = conv(visitor.concat([spp, ...pools]), "backbone.context_module.cv2", arch.sppOut, 1);
  const [c2, c3, c4] = features as [V, V, V, V];

  const [inter1, up1] = upStage(c5, c4, c3, "neck.neck1", arch.neck[0]);
  const [inter2, p3] = upStage(up1, c3, c2, "neck.neck2", arch.neck[1]);
  const p4 = downStage(p3, inter2, "neck.neck3", arch.neck[2]);
  const p5 = downStage(p4, inter1, "neck.neck4", arch.neck[3]);

  return [p3, p4, p5].map((feature, i) => {
    const path = `heads.head${i + 1}`;
    const inter = arch.heads[i]!;
    const stem = conv(feature, `${path}.stem.seq`, inter, 1);
    const classes = conv(stem, `${path}.cls_convs.0.seq`, inter, 3);
    const distances = conv(stem, `${path}.reg_convs.0.seq`, inter, 3);
    return {
      stride: HEAD_STRIDES[i]!,
      classes: visitor.prediction(classes, `${path}.cls_pred`, classCount),
      distances: visitor.prediction(distances, `${path}.reg_pred`, 4 * (arch.regMax + 1)),
    };
  });
}
