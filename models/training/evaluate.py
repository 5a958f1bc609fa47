"""AP of a checkpoint on a COCO-format data set, for all boxes and for boxes
taller than a given height (in source pixels; smaller ones are then ignored)."""

from __future__ import annotations

import argparse
import contextlib
import copy
import io
import json

import cv2
import numpy as np
import torch
from modern_yolonas.model import YoloNAS
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval
from torchvision.ops import batched_nms

import checkpoint
from dataset import CocoDetections

PAD = 114


def letterbox(image: np.ndarray, size: tuple[int, int]) -> tuple[np.ndarray, float, int, int]:
    h, w = image.shape[:2]
    scale = min(size[0] / w, size[1] / h)
    new = (round(w * scale), round(h * scale))
    left, top = (size[0] - new[0]) // 2, (size[1] - new[1]) // 2
    canvas = np.full((size[1], size[0], 3), PAD, np.uint8)
    resized = cv2.resize(image, new, interpolation=cv2.INTER_LINEAR)
    canvas[top : top + new[1], left : left + new[0]] = resized
    return canvas, scale, left, top


@torch.inference_mode()
def detect(
    model: YoloNAS, data: CocoDetections, size: tuple[int, int], score: float, nms: float, every: int = 1
) -> list[dict]:
    model = copy.deepcopy(model).eval()
    device = next(model.parameters()).device
    found = []
    for image_id in data.image_ids[::every]:
        canvas, scale, left, top = letterbox(data.frames[image_id], size)
        tensor = torch.from_numpy(canvas).permute(2, 0, 1)[None].float() / 255
        boxes, scores = (part.cpu() for part in model(tensor.to(device)))
        best, label = scores[0].max(-1)
        keep = best > score
        boxes, best, label = boxes[0][keep], best[keep], label[keep]
        chosen = batched_nms(boxes, best, label, nms)[:300]
        boxes = (boxes[chosen] - torch.tensor([left, top, left, top])) / scale
        h, w = data.frames[image_id].shape[:2]
        boxes = boxes.clamp(min=0).minimum(torch.tensor([w, h, w, h]))
        for box, value, kind in zip(boxes.tolist(), best[chosen].tolist(), label[chosen].tolist()):
            found.append(
                {
                    "image_id": image_id,
                    "category_id": data.category_ids[kind],
                    "bbox": [box[0], box[1], box[2] - box[0], box[3] - box[1]],
                    "score": value,
                }
            )
    return found


def average_precision(data: CocoDetections, found: list[dict], taller: float, every: int = 1) -> dict[str, float]:
    """COCO's area ranges do the ignoring, with a box's height in place of its area."""
    if not found:
        return {"AP": 0.0, "AP50": 0.0, "AP75": 0.0, "recall50": 0.0}
    truth = copy.deepcopy(data.coco)
    for number, annotation in enumerate(truth["annotations"], start=1):
        annotation.update(id=number, area=annotation["bbox"][3], iscrowd=annotation.get("iscrowd", 0))
    with contextlib.redirect_stdout(io.StringIO()):
        ground = COCO()
        ground.dataset = truth
        ground.createIndex()
        results = ground.loadRes(copy.deepcopy(found))
        for result in results.dataset["annotations"]:
            result["area"] = result["bbox"][3]
        run = COCOeval(ground, results, "bbox")
        run.params.imgIds = data.image_ids[::every]
        run.params.areaRng = [[taller, 1e10]]
        run.params.areaRngLbl = ["all"]
        run.params.maxDets = [300]
        run.evaluate()
        run.accumulate()
    precision = run.eval["precision"][..., 0, 0]
    recall = run.eval["recall"][..., 0, 0]

    def mean(values: np.ndarray) -> float:
        valid = values[values > -1]
        return round(float(valid.mean()), 4) if valid.size else 0.0

    return {
        "AP": mean(precision),
        "AP50": mean(precision[0]),
        "AP75": mean(precision[5]),
        "recall50": mean(recall[0]),
    }


def report(
    model: YoloNAS, data: CocoDetections, size: tuple[int, int], taller: float, nms: float = 0.7, every: int = 1
) -> dict:
    found = detect(model, data, size, score=0.01, nms=nms, every=every)
    return {
        "all": average_precision(data, found, 0, every),
        f"taller_than_{taller:g}": average_precision(data, found, taller, every),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("checkpoint")
    parser.add_argument("--images", required=True, help="a folder or a video")
    parser.add_argument("--annotations", required=True)
    parser.add_argument("--taller", type=float, default=32)
    parser.add_argument("--nms", type=float, default=0.7)
    args = parser.parse_args()
    model, facts = checkpoint.load(args.checkpoint)
    data = CocoDetections(args.images, args.annotations)
    if data.classes != facts["classes"]:
        raise SystemExit(f"classes differ: {facts['classes']} in the model, {data.classes} in the data")
    print(json.dumps(report(model, data, facts["size"], args.taller, args.nms), indent=2))


if __name__ == "__main__":
    main()
