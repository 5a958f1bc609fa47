"""Objects cut from their frames and pasted elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from dataset import CocoDetections, Sample

MAX_CUTOUTS = 1500


class Cutouts:
    """Objects that stand alone in their frame. With a fixed camera the cutout
    follows the outline (difference from the background); otherwise its edge
    is an ellipse that fades out."""

    def __init__(self, data: CocoDetections, background: np.ndarray | None, rng: np.random.Generator):
        self._rng = rng
        self._items: list[tuple[np.ndarray, np.ndarray, int, float]] = []
        order = rng.permutation(len(data))[: max(MAX_CUTOUTS // 3, 1)]
        for index in order:
            sample = data.sample(int(index))
            for i, box in enumerate(sample.boxes):
                if len(self._items) >= MAX_CUTOUTS:
                    return
                others = np.delete(sample.boxes, i, axis=0)
                if sample.ignore[i] or sample.scores[i] < 0.55 or _covered(box, others) > 0.05:
                    continue
                x1, y1, x2, y2 = np.round(box).astype(int).clip(0)
                patch = np.array(sample.image[y1:y2, x1:x2])
                if min(patch.shape[:2]) < 8:
                    continue
                alpha = _outline(patch, background[y1:y2, x1:x2]) if background is not None else _ellipse(patch.shape)
                if alpha is not None:
                    self._items.append((patch, alpha, int(sample.labels[i]), float(sample.scores[i])))

    def paste(self, sample: Sample, most: int) -> None:
        """Adds up to `most` objects in place, mostly clear of those there."""
        rng = self._rng
        if not self._items:
            return
        height, width = sample.image.shape[:2]
        image = np.array(sample.image)
        for _ in range(int(rng.integers(1, most + 1))):
            patch, alpha, label, score = self._items[rng.integers(len(self._items))]
            tall = float(np.exp(rng.uniform(np.log(0.08), np.log(0.45)))) * height
            factor = np.clip(tall / patch.shape[0], 0.3, 2.5)
            w, h = (max(4, round(side * factor)) for side in (patch.shape[1], patch.shape[0]))
            if w >= width or h >= height:
                continue
            x, y = int(rng.integers(0, width - w)), int(rng.integers(0, height - h))
            box = np.array([x, y, x + w, y + h], np.float32)
            if _covered(box, sample.boxes) > 0.2 or _covers(box, sample.boxes) > 0.3:
                continue
            patch, alpha = (cv2.resize(p, (w, h), interpolation=cv2.INTER_LINEAR) for p in (patch, alpha))
            if rng.random() < 0.5:
                patch, alpha = patch[:, ::-1], alpha[:, ::-1]
            gain = rng.uniform(0.7, 1.3, 3) if rng.random() < 0.5 else np.full(3, rng.uniform(0.8, 1.2))
            there = image[y : y + h, x : x + w]
            mixed = there + alpha[..., None] * (np.clip(patch * gain, 0, 255) - there)
            image[y : y + h, x : x + w] = mixed.astype(np.uint8)
            sample.boxes = np.concatenate([sample.boxes, box[None]])
            sample.labels = np.append(sample.labels, label)
            sample.ignore = np.append(sample.ignore, False)
            sample.scores = np.append(sample.scores, np.float32(score))
        sample.image = image


def _overlap(box: np.ndarray, others: np.ndarray) -> np.ndarray:
    top_left = np.maximum(box[:2], others[:, :2])
    bottom_right = np.minimum(box[2:], others[:, 2:])
    return np.clip(bottom_right - top_left, 0, None).prod(1)


def _covered(box: np.ndarray, others: np.ndarray) -> float:
    """The largest share of `box` that one of `others` covers."""
    return float((_overlap(box, others) / (box[2:] - box[:2]).prod()).max(initial=0))


def _covers(box: np.ndarray, others: np.ndarray) -> float:
    areas = np.maximum((others[:, 2:] - others[:, :2]).prod(1), 1)
    return float((_overlap(box, others) / areas).max(initial=0))


def _ellipse(shape: tuple[int, ...]) -> np.ndarray:
    h, w = shape[:2]
    mask = np.zeros((h, w), np.float32)
    cv2.ellipse(mask, (w // 2, h // 2), (max(1, int(w * 0.48)), max(1, int(h * 0.49))), 0, 0, 360, 1, -1)
    return cv2.GaussianBlur(mask, (0, 0), max(0.5, w * 0.05))


def _outline(patch: np.ndarray, background: np.ndarray) -> np.ndarray | None:
    """None where too little differs to be an object, or too much."""
    difference = cv2.absdiff(patch, background).max(-1)
    mask = (difference > 24).astype(np.uint8)
    mask = cv2.morphologyEx(mask, cv2.MORPH_CLOSE, np.ones((7, 7), np.uint8))
    mask = cv2.morphologyEx(mask, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    if not 0.2 < mask.mean() < 0.9:
        return None
    return cv2.GaussianBlur(mask.astype(np.float32), (0, 0), 1.0)


def synthetic_background(shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    """Clouds of colour with hard-edged shapes: nothing in it is an object."""
    h, w = shape[:2]
    image = np.full((h, w, 3), rng.uniform(40, 215, 3), np.float32)
    for cells in (4, 16, 64):
        cloud = rng.normal(0, rng.uniform(4, 30), (cells, cells, 3)).astype(np.float32)
        image += cv2.resize(cloud, (w, h), interpolation=cv2.INTER_CUBIC)
    image = np.clip(image, 0, 255).astype(np.uint8)
    for _ in range(int(rng.integers(3, 25))):
        a, b = (rng.uniform(-0.1, 1.1, 2) * (w, h)).astype(int), rng.uniform(0.01, 0.3, 2) * (w, h)
        colour = tuple(float(c) for c in rng.uniform(0, 255, 3))
        end = (a + b).astype(int)
        if rng.random() < 0.5:
            cv2.rectangle(image, a.tolist(), end.tolist(), colour, -1)
        else:
            cv2.line(image, a.tolist(), end.tolist(), colour, int(rng.integers(1, 12)), cv2.LINE_AA)
    return image
