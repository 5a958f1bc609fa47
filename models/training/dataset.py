"""A COCO annotation file joined to its pixels, and the stream of batches."""

from __future__ import annotations

import json
from dataclasses import dataclass
from multiprocessing.sharedctypes import Synchronized

import cv2
import numpy as np
import torch
from torch.utils.data import IterableDataset

from augment import Augmenter
from frames import open_frames


@dataclass
class Sample:
    """`boxes` are x1 y1 x2 y2 in pixels of `image`; `ignore` marks boxes that
    are neither to be found nor to be punished."""

    image: np.ndarray
    boxes: np.ndarray
    labels: np.ndarray
    ignore: np.ndarray
    scores: np.ndarray


class CocoDetections:
    def __init__(self, source: str, annotations: str, min_score: float = 0.0):
        with open(annotations) as file:
            self.coco = json.load(file)
        categories = sorted(self.coco["categories"], key=lambda c: c["id"])
        self.classes = [category["name"] for category in categories]
        self.category_ids = [category["id"] for category in categories]
        self.image_ids = [image["id"] for image in self.coco["images"]]
        self.frames = open_frames(source, self.coco["images"])
        self._min_score = min_score
        self._by_image: dict[int, list[dict]] = {image_id: [] for image_id in self.image_ids}
        for annotation in self.coco["annotations"]:
            self._by_image[annotation["image_id"]].append(annotation)

    def __len__(self) -> int:
        return len(self.image_ids)

    def sample(self, index: int) -> Sample:
        image_id = self.image_ids[index]
        found = self._by_image[image_id]
        boxes = np.array([a["bbox"] for a in found], np.float32).reshape(-1, 4)
        boxes[:, 2:] += boxes[:, :2]
        scores = np.array([a.get("score", 1.0) for a in found], np.float32)
        crowd = np.array([a.get("iscrowd", 0) for a in found], bool)
        return Sample(
            image=self.frames[image_id],
            boxes=boxes,
            labels=np.array([self.category_ids.index(a["category_id"]) for a in found], np.int64),
            ignore=crowd | (scores < self._min_score),
            scores=scores,
        )


class BatchStream(IterableDataset):
    """Endless augmented batches. All images of a batch share one size, which
    varies between batches. `progress` (0 to 1) is shared with the trainer: in
    the last part, after `fine_from`, batches are full size and plainly augmented."""

    def __init__(
        self,
        data: CocoDetections,
        size: tuple[int, int],
        batch: int,
        progress: Synchronized,
        fine_from: float,
        seed: int = 0,
    ):
        self._data = data
        self._size = size
        self._batch = batch
        self._progress = progress
        self._fine_from = fine_from
        self._seed = seed

    def __iter__(self):
        cv2.setNumThreads(0)
        worker = torch.utils.data.get_worker_info()
        rng = np.random.default_rng((self._seed, worker.id if worker else 0))
        augmenter = Augmenter(self._data, self._size, rng)
        while True:
            fine = self._progress.value >= self._fine_from
            width, height = self._size if fine else pick_size(self._size, rng)
            # Equal work per batch: smaller images come in larger batches.
            area = self._size[0] * self._size[1] / (width * height)
            count = self._batch if fine else round(self._batch * min(area, 2.0))
            samples = [augmenter(width, height, fine) for _ in range(count)]
            yield collate(samples)


def pick_size(size: tuple[int, int], rng: np.random.Generator) -> tuple[int, int]:
    """One of a few sizes: each new shape costs the CPU a compilation."""
    ratios = [(0.5, 0.67), (0.625, 0.83), (0.75, 0.83)]
    by_width, by_height = ratios[rng.integers(len(ratios))]
    return round(size[0] * by_width / 32) * 32, round(size[1] * by_height / 32) * 32


def collate(samples: list[Sample]) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Images [B,H,W,3] uint8; boxes [B,M,4]; labels [B,M], -1 where there is
    no box, -2 where the box is to be ignored."""
    most = max(1, max(len(s.boxes) for s in samples))
    boxes = torch.zeros(len(samples), most, 4)
    labels = torch.full((len(samples), most), -1, dtype=torch.long)
    for i, sample in enumerate(samples):
        n = len(sample.boxes)
        boxes[i, :n] = torch.from_numpy(sample.boxes)
        labels[i, :n] = torch.from_numpy(np.where(sample.ignore, -2, sample.labels))
    return torch.from_numpy(np.stack([s.image for s in samples])), boxes, labels
