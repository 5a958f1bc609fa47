"""The PP-YOLOE loss of YOLO-NAS, with boxes that may be ignored."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from modern_yolonas.training.loss import DFLLoss, GIoULoss, TaskAlignedAssigner
from torch import Tensor, nn

NO_BOX = -1
IGNORED = -2


class DetectionLoss(nn.Module):
    def __init__(self, reg_max: int = 16, cls_weight: float = 1.0, iou_weight: float = 2.5, dfl_weight: float = 0.5):
        super().__init__()
        self._reg_max = reg_max
        self._weights = (cls_weight, iou_weight, dfl_weight)
        self._assigner = TaskAlignedAssigner()
        self._giou = GIoULoss()
        self._dfl = DFLLoss()

    def forward(self, output: tuple, boxes: Tensor, labels: Tensor) -> tuple[Tensor, list[float]]:
        (decoded, _), (logits, distribution, _, points, _, strides) = output
        decoded, logits, distribution = decoded.float(), logits.float(), distribution.float()
        is_object = (labels >= 0).unsqueeze(-1)
        _, targets, scores, positive = self._assigner.assign(
            logits.sigmoid(),
            decoded,
            points,
            labels.clamp(min=0).unsqueeze(-1),
            boxes,
            is_object,
        )
        scores = scores.detach()
        total = scores.sum().clamp(min=1)
        classification = self._classification(logits, scores, positive, points, boxes, labels) / total
        if not positive.any():
            return self._weights[0] * classification, [classification.item(), 0.0, 0.0]

        weight = scores[positive].sum(-1)
        box = (self._giou(decoded[positive], targets[positive]) * weight).sum() / total

        batch = len(labels)
        stride = strides.expand(batch, -1, -1)[positive]
        point = points.expand(batch, -1, -1)[positive] / stride
        target = targets[positive] / stride
        distances = torch.cat([point - target[:, :2], target[:, 2:] - point], -1)
        distances = distances.clamp(0, self._reg_max - 0.01)
        dfl = (self._dfl(distribution[positive], distances) * weight).sum() / total

        parts = [classification, box, dfl]
        loss = sum(w * part for w, part in zip(self._weights, parts))
        return loss, [part.item() for part in parts]

    def _classification(
        self, logits: Tensor, scores: Tensor, positive: Tensor, points: Tensor, boxes: Tensor, labels: Tensor
    ) -> Tensor:
        """Varifocal: positives weigh their target, negatives their error."""
        is_target = (scores > 0).float()
        weight = 0.75 * logits.detach().sigmoid().square() * (1 - is_target) + scores
        loss = weight * F.binary_cross_entropy_with_logits(logits, scores, reduction="none")
        ignored = labels == IGNORED
        if ignored.any():
            point = points[None, :, None]
            margin = torch.minimum(point - boxes[:, None, :, :2], boxes[:, None, :, 2:] - point)
            inside = (margin.amin(-1) > 0) & ignored[:, None]
            loss = loss * (~inside.any(-1) | positive).unsqueeze(-1)
        return loss.sum()
