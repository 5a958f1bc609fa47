"""YOLO-NAS in four sizes, built from the modules of modern-yolonas.

The names in the state dict are those of super-gradients, so a file written
from this model is read by anything that reads a super-gradients checkpoint.
`yolo_nas_xs` is YOLO-NAS S with every channel count halved.
"""

from __future__ import annotations

import copy

import torch
import torch.nn.functional as F
from modern_yolonas.backbone.backbone import YoloNASBackbone
from modern_yolonas.configs import CONFIGS
from modern_yolonas.head.dfl import NDFLHeads
from modern_yolonas.model import YoloNAS
from modern_yolonas.neck.pan import YoloNASPANNeckWithC2
from torch import nn


def _halved_s() -> dict:
    config = copy.deepcopy(CONFIGS["yolo_nas_s"])
    backbone, heads = config["backbone"], config["heads"]
    backbone["stem_out_channels"] //= 2
    backbone["spp_output_channels"] //= 2
    for part in [*backbone["stages"], *config["neck"].values()]:
        part["out_channels"] //= 2
        part["hidden_channels"] //= 2
    for head in heads["heads_list"]:
        head["inter_channels"] //= 2
    return config


ARCHITECTURES = {
    "yolo_nas_xs": _halved_s(),
    "yolo_nas_s": CONFIGS["yolo_nas_s"],
    "yolo_nas_m": CONFIGS["yolo_nas_m"],
    "yolo_nas_l": CONFIGS["yolo_nas_l"],
}


def build(arch: str, num_classes: int) -> YoloNAS:
    config = ARCHITECTURES[arch]
    b = config["backbone"]
    backbone = YoloNASBackbone(
        in_channels=3,
        stem_out_channels=b["stem_out_channels"],
        stages_config=b["stages"],
        spp_output_channels=b["spp_output_channels"],
        spp_k=b["spp_k"],
    )
    neck = YoloNASPANNeckWithC2(in_channels=backbone.out_channels, **config["neck"])
    heads = NDFLHeads(
        num_classes=num_classes, in_channels=tuple(neck.out_channels), **config["heads"]
    )
    model = YoloNAS(backbone=backbone, neck=neck, heads=heads)
    freeze_placeholders(model)
    replace_strided_pointwise(model)
    return model


def freeze_placeholders(model: nn.Module) -> None:
    """`rbr_reparam` holds the fused kernel of a deployed block. It plays no
    part in training, but super-gradients keeps it in the state dict."""
    for name, parameter in model.named_parameters():
        if ".rbr_reparam." in name:
            parameter.requires_grad_(False)
            with torch.no_grad():
                parameter.zero_()


class StridedPointwise(nn.Conv2d):
    """A 1x1 convolution with a stride reads only every n-th pixel; this picks
    them first. The result and the parameters are those of `nn.Conv2d`. It is
    here because the backward pass of a strided 1x1 convolution over 3 channels
    in channels_last corrupts memory on CPUs (seen with torch 2.15.0)."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        step_y, step_x = self.stride
        picked = x[:, :, ::step_y, ::step_x].contiguous(memory_format=torch.channels_last)
        return F.conv2d(picked, self.weight, self.bias)


def replace_strided_pointwise(model: nn.Module) -> None:
    for module in model.modules():
        if isinstance(module, nn.Conv2d) and module.kernel_size == (1, 1) and module.stride != (1, 1):
            module.__class__ = StridedPointwise
