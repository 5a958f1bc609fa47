"""From stored frames to one training image: crop, scale, flip, mosaic, pasted
people, colours. Everything here exists to keep a small data set from being
learnt by heart."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

import cv2
import numpy as np

from colour import disturb
from paste import Cutouts, synthetic_background

if TYPE_CHECKING:
    from dataset import CocoDetections, Sample

PAD = 114
MIN_SIDE = 4
"""Boxes smaller than this in the training image are ignored, in pixels."""
MIN_VISIBLE = 0.35
"""Boxes of which less than this share is inside the crop are ignored."""


class Augmenter:
    def __init__(self, data: CocoDetections, size: tuple[int, int], rng: np.random.Generator):
        self._data = data
        self._size = size
        self._rng = rng
        self._background = data.frames.background()
        self._cutouts = Cutouts(data, self._background, rng)

    def __call__(self, width: int, height: int, fine: bool) -> Sample:
        if fine:
            sample = self._crop(width, height, (0.75, 1.5) if self._rng.random() < 0.6 else (1, 1))
            if self._rng.random() < 0.3:
                self._cutouts.paste(sample, most=3)
        elif self._rng.random() < 0.25:
            sample = self._mosaic(width, height)
        else:
            sample = self._crop(width, height, (0.55, 2.2))
            if self._rng.random() < 0.5:
                self._cutouts.paste(sample, most=4)
        if self._rng.random() < 0.5:
            flip(sample)
        sample.image = disturb(sample.image, self._rng, 0.5 if fine else 1.0)
        return sample

    def _crop(self, width: int, height: int, zoom: tuple[float, float]) -> Sample:
        """A window of a random frame at a random scale. `zoom` is relative to
        the scale at which the whole frame fits the model's input."""
        rng = self._rng
        sample = self._pick()
        h, w = sample.image.shape[:2]
        fit = min(self._size[0] / w, self._size[1] / h)
        scale = fit * np.exp(rng.uniform(*np.log(zoom)))
        stretch = np.exp(rng.uniform(-0.12, 0.12)) if zoom[0] < zoom[1] else 1.0
        window = np.array([width / (scale * stretch), height / scale])
        room = np.array([w, h]) - window
        if len(sample.boxes) and rng.random() < 0.7:
            box = sample.boxes[rng.integers(len(sample.boxes))]
            centre = (box[:2] + box[2:]) / 2
            origin = centre - window * rng.uniform(0.1, 0.9, 2)
        else:
            origin = rng.uniform(0, 1, 2) * room
        # Keep the window on the frame where it fits, else the frame in the window.
        origin = np.clip(origin, np.minimum(room, 0), np.maximum(room, 0))
        if zoom == (1, 1):
            origin = room / 2
        return cut(sample, origin, window, (width, height), rng)

    def _pick(self) -> Sample:
        from dataset import Sample

        rng = self._rng
        chance = rng.random()
        if chance < 0.90:
            return self._data.sample(int(rng.integers(len(self._data))))
        if chance < 0.94 and self._background is not None:
            image = self._background
        else:
            image = synthetic_background(self._data.sample(0).image.shape, rng)
        empty = Sample(
            image, np.zeros((0, 4), np.float32), np.zeros(0, np.int64), np.zeros(0, bool), np.zeros(0, np.float32)
        )
        self._cutouts.paste(empty, most=6)
        return empty

    def _mosaic(self, width: int, height: int) -> Sample:
        rng = self._rng
        x, y = (int(side * rng.uniform(0.3, 0.7)) for side in (width, height))
        canvas = np.full((height, width, 3), PAD, np.uint8)
        parts = []
        for left, top, right, bottom in ((0, 0, x, y), (x, 0, width, y), (0, y, x, height), (x, y, width, height)):
            part = self._crop(right - left, bottom - top, (0.4, 1.6))
            canvas[top:bottom, left:right] = part.image
            part.boxes = part.boxes + np.float32([left, top, left, top])
            parts.append(part)
        whole = copy.copy(parts[0])
        whole.image = canvas
        for field in ("boxes", "labels", "ignore", "scores"):
            setattr(whole, field, np.concatenate([getattr(p, field) for p in parts]))
        return whole


def cut(
    sample: Sample,
    origin: np.ndarray,
    window: np.ndarray,
    size: tuple[int, int],
    rng: np.random.Generator,
) -> Sample:
    """Cuts `window` (width, height) at `origin` and scales it to `size`."""
    ratio = np.array(size) / window
    shrinks = ratio.mean() < 1
    if shrinks and rng.random() < 0.4:
        # An area filter first; a bilinear one alone would skip pixels.
        step = float(ratio.mean())
        h, w = sample.image.shape[:2]
        small = cv2.resize(sample.image, (round(w * step), round(h * step)), interpolation=cv2.INTER_AREA)
        factor = np.array([small.shape[1] / w, small.shape[0] / h])
    else:
        small, factor = sample.image, np.ones(2)
    per_pixel = ratio / factor
    shift = (-origin * factor + 0.5) * per_pixel - 0.5
    matrix = np.array([[per_pixel[0], 0, shift[0]], [0, per_pixel[1], shift[1]]])
    kind = (cv2.INTER_LINEAR, cv2.INTER_CUBIC)[int(rng.random() < 0.3)]
    image = cv2.warpAffine(small, matrix, size, flags=kind, borderValue=(PAD, PAD, PAD))

    whole = (sample.boxes - np.tile(origin, 2)) * np.tile(ratio, 2)
    inside = np.clip(whole, 0, np.tile(size, 2)).astype(np.float32)
    sides = inside[:, 2:] - inside[:, :2]
    visible = sides.prod(1) / np.maximum((whole[:, 2:] - whole[:, :2]).prod(1), 1e-6)
    keep = (sides > 1).all(1)
    poor = (visible < MIN_VISIBLE) | (sides < MIN_SIDE).any(1)

    result = copy.copy(sample)
    result.image = image
    result.boxes = inside[keep]
    result.labels = sample.labels[keep]
    result.ignore = (sample.ignore | poor)[keep]
    result.scores = sample.scores[keep]
    return result


def flip(sample: Sample) -> None:
    width = sample.image.shape[1]
    sample.image = np.ascontiguousarray(sample.image[:, ::-1])
    boxes = sample.boxes.copy()
    boxes[:, [0, 2]] = width - sample.boxes[:, [2, 0]]
    sample.boxes = boxes
