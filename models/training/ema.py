"""An exponential moving average of a model's weights."""

from __future__ import annotations

import copy
import math

import torch
from torch import nn


class Ema:
    """The average starts short and grows to about `1 / (1 - decay)` steps."""

    def __init__(self, model: nn.Module, decay: float = 0.9985, growth: float = 600):
        self.model = copy.deepcopy(model).eval()
        for parameter in self.model.parameters():
            parameter.requires_grad_(False)
        self._decay = decay
        self._growth = growth
        self._steps = 0

    @torch.no_grad()
    def update(self, model: nn.Module) -> None:
        self._steps += 1
        decay = self._decay * (1 - math.exp(-self._steps / self._growth))
        mine, theirs = self.model.state_dict(), model.state_dict()
        floats = [name for name, tensor in mine.items() if tensor.is_floating_point()]
        torch._foreach_lerp_([mine[n] for n in floats], [theirs[n] for n in floats], 1 - decay)
        for name, tensor in mine.items():
            if not tensor.is_floating_point():
                tensor.copy_(theirs[name])
