"""A file of `model quantize` as a PyTorch module whose 8-bit numbers can be trained.

Every operator computes what the file says: weights, biases and activations pass through the rounding that they have in the
file. Behind a rounding the gradient goes on as if there was none (straight-through), so a training step can move an
integer weight, an integer bias or an activation's scale. `write` puts what was learned back into the same file.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import torch
import torch.nn.functional as F
from onnx import numpy_helper
from torch import Tensor, nn

LARGEST_PAIR = 128
"""What two neighbouring weights of one sign may sum to, so that 16 bits hold two products with bytes: 255 x 128."""


LAYERS = ("Conv", "ConvTranspose", "Gemm")


class QdqGraph(nn.Module):
    """The network up to its predictions, [B, C, H, W] each; float files work too, and then nothing is rounded.

    `weights` are 8-bit weights as real numbers, in steps of their scales; `biases` are added to the file's, in parts of
    the layer's mean bias; `scales` are logarithms of factors on the file's scales of activations.
    """

    def __init__(self, path: str | Path):
        super().__init__()
        self.file = onnx.load(str(path))
        graph = self.file.graph
        self.input = graph.input[0].name
        self._constants = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
        self._makers = {name: node for node in graph.node for name in node.output}
        self.predictions = self._find_predictions()
        self._order = self._needed()
        self._fixed: dict[str, Tensor] = {}
        self.weights = nn.ParameterDict()
        self.biases = nn.ParameterDict()
        self.scales = nn.ParameterDict()
        self._start: dict[str, float | np.ndarray] = {}
        self._scale_of: dict[str, tuple[str, float]] = {}
        self._weight_nodes: dict[str, onnx.NodeProto] = {}
        self._collect()
        self.register_buffer("_zero", torch.zeros(1))
        # The CPU's files are told by their bytes without a sign; theirs is the limit of pairs.
        self.pairs = any(
            node.op_type == "QuantizeLinear" and self._constants[node.input[2]].dtype == np.uint8
            for node in self._order
        )

    # -- what the file holds ------------------------------------------------------------------------------------------

    def _find_predictions(self) -> list[str]:
        """Outputs of convolutions, or of products in their place, behind which no further one comes."""
        feeds: set[str] = set()
        last = []
        for node in reversed(self.file.graph.node):
            if node.op_type in LAYERS:
                if not feeds.intersection(node.output):
                    last.insert(0, self._picture(node))
                feeds.update(node.input[:1])
            elif feeds.intersection(node.output):
                feeds.update(node.input)
        return last

    def _picture(self, layer: onnx.NodeProto) -> str:
        """A layer's result as [B, C, H, W]: behind a product of matrices come a Reshape and a Transpose."""
        name = layer.output[0]
        for _ in range(2 if layer.op_type == "Gemm" else 0):
            name = next(node.output[0] for node in self.file.graph.node if name in node.input)
        return name

    def _needed(self) -> list[onnx.NodeProto]:
        wanted = set(self.predictions)
        kept = []
        for node in reversed(self.file.graph.node):
            if wanted.intersection(node.output):
                kept.insert(0, node)
                wanted.update(node.input)
        return kept

    def _quantizer(self, integer: str) -> onnx.NodeProto | None:
        """The QuantizeLinear behind an integer tensor, through operators that only move bytes; None for pixels."""
        while integer != self.input:
            node = self._makers[integer]
            if node.op_type == "QuantizeLinear":
                return node
            integer = node.input[0]
        return None

    def _collect(self) -> None:
        groups: dict[float, str] = {}
        for node in self._order:
            if node.op_type == "QuantizeLinear":
                # Tensors that share a range have one scale: they stay so, since bytes are moved between them.
                value = float(self._constants[node.input[1]])
                group = groups.setdefault(value, f"s{len(groups)}")
                if group not in self.scales:
                    self.scales[group] = nn.Parameter(torch.zeros(1))
                    self._start[group] = value
                self._scale_of[node.input[1]] = (group, 1.0)
        for node in self._order:
            if node.op_type != "DequantizeLinear":
                continue
            integer, scale = node.input[0], node.input[1]
            key = parameter_name(integer)
            if integer not in self._constants:
                maker = self._quantizer(integer)
                if maker is not None and scale not in self._scale_of:
                    # A residual's constant is part of the scale at which it is read.
                    group, ratio = self._scale_of[maker.input[1]]
                    own = float(self._constants[scale]) / float(self._constants[maker.input[1]])
                    self._scale_of[scale] = (group, ratio * own)
            elif self._constants[integer].dtype == np.int8:
                self._weight_nodes[integer] = node
                self.weights[key] = nn.Parameter(torch.from_numpy(self._constants[integer].astype(np.float32)))
            else:
                steps = self._constants[integer].astype(np.float64) * self._constants[scale]
                self._start[key] = torch.from_numpy(steps.astype(np.float32))
                self.biases[key] = nn.Parameter(torch.zeros(steps.shape))
        for node in self._order:
            for name in node.input:
                if name in self._constants and name.endswith("/bias/float"):
                    key = parameter_name(name)
                    self._start[key] = torch.from_numpy(self._constants[name].copy())
                    self.biases[key] = nn.Parameter(torch.zeros(self._constants[name].shape))

    # -- running it ---------------------------------------------------------------------------------------------------

    def _constant(self, name: str) -> Tensor:
        if name not in self._fixed:
            self._fixed[name] = torch.from_numpy(np.array(self._constants[name]))
        return self._fixed[name]

    def _scale(self, name: str) -> Tensor:
        group, ratio = self._scale_of[name]
        return self.scales[group].exp() * (self._start[group] * ratio)

    def _bias(self, key: str) -> Tensor:
        start = self._start[key]
        return start + self.biases[key] * start.abs().mean()

    def forward(self, pixels: Tensor) -> list[Tensor]:
        """@param pixels uint8 [B, 3, H, W], in the file's order of planes"""
        values: dict[str, Tensor] = {self.input: pixels}

        def get(name: str) -> Tensor:
            if name in values:
                return values[name]
            key = parameter_name(name)
            if key in self.biases:
                return self._bias(key)
            return self._constant(name)

        for node in self._order:
            attributes = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
            values[node.output[0]] = self._run(node, attributes, get)
        return [values[name] for name in self.predictions]

    def _run(self, node: onnx.NodeProto, attributes: dict, get) -> Tensor:
        op, names = node.op_type, node.input
        if op == "QuantizeLinear":
            # What is passed on is the real value of the byte, so that a gradient can pass.
            zero = self._constants[names[2]]
            low, high = (0, 255) if zero.dtype == np.uint8 else (-127, 127)
            scale = self._scale(names[1])
            x = get(names[0])
            factor = 1 / (x.numel() * high) ** 0.5
            return torch._fake_quantize_learnable_per_tensor_affine(
                x, scale, self._zero + float(zero), low, high, factor
            )
        if op == "DequantizeLinear":
            integer = names[0]
            if integer in self._weight_nodes:
                return self._weight(integer, attributes.get("axis", 1))
            key = parameter_name(integer)
            if key in self.biases:
                return self._bias(key)
            if self._quantizer(integer) is None:
                return get(integer).float() * float(self._constants[names[1]])
            group, ratio = self._scale_of[names[1]]
            value = get(integer)
            return value if ratio == 1.0 else value * ratio
        if op == "Conv":
            pads = attributes.get("pads", [0, 0, 0, 0])
            return F.conv2d(
                get(names[0]),
                get(names[1]),
                get(names[2]) if len(names) > 2 else None,
                attributes.get("strides", [1, 1]),
                pads[:2],
                attributes.get("dilations", [1, 1]),
                attributes.get("group", 1),
            )
        if op == "ConvTranspose":
            return F.conv_transpose2d(
                get(names[0]), get(names[1]), get(names[2]) if len(names) > 2 else None, attributes["strides"]
            )
        if op == "Gemm":
            return F.linear(*(get(name) for name in names))
        if op == "Pad":
            # ONNX gives all beginnings, then all ends; PyTorch pairs of them, the last dimension first.
            pairs = self._constants[names[1]].reshape(2, -1).T[::-1]
            return F.pad(get(names[0]), pairs.flatten().tolist())
        if op == "Relu":
            return F.relu(get(names[0]))
        if op == "Add":
            return get(names[0]) + get(names[1])
        if op == "Mul":
            return get(names[0]) * get(names[1])
        if op == "Concat":
            return torch.cat([get(name) for name in names], attributes["axis"])
        if op == "MaxPool":
            pads = attributes.get("pads", [0, 0, 0, 0])
            return F.max_pool2d(get(names[0]), attributes["kernel_shape"], attributes["strides"], pads[:2])
        if op == "Transpose":
            return get(names[0]).permute(attributes["perm"])
        if op == "Reshape":
            return get(names[0]).reshape([int(n) for n in self._constants[names[1]]])
        if op == "Cast":
            return get(names[0]).float()
        raise NotImplementedError(f"{op} ({node.name}) is not an operator that this trains through")

    def _weight(self, integer: str, axis: int) -> Tensor:
        steps = self.weights[parameter_name(integer)]
        rounded = self.rounded(integer, steps.detach())
        through = steps + (rounded - steps.detach())
        scale = self._constant(self._weight_nodes[integer].input[1])
        shape = [-1 if i == axis else 1 for i in range(steps.dim())]
        return through * scale.view(shape)

    def rounded(self, integer: str, steps: Tensor) -> Tensor:
        values = steps.round().clamp(-127, 127)
        if not self.pairs:
            return values
        flat, real = in_kernel_order(values), in_kernel_order(steps)
        a, b = flat[:, 0 : 2 * (flat.shape[1] // 2) : 2], flat[:, 1::2]
        over = (a * b > 0) & ((a + b).abs() > LARGEST_PAIR)
        # Both were rounded up: the one that was rounded up more goes down.
        ra, rb = real[:, 0 : 2 * (flat.shape[1] // 2) : 2], real[:, 1::2]
        first = (a.abs() - ra.abs()) >= (b.abs() - rb.abs())
        a -= (over & first) * a.sign()
        b -= (over & ~first) * b.sign()
        return from_kernel_order(flat, values)

    @torch.no_grad()
    def project(self) -> None:
        """Bring weights back to where 8 bits and the limit of pairs allow."""
        for integer in self._weight_nodes:
            steps = self.weights[parameter_name(integer)]
            steps.clamp_(-127, 127)
            if not self.pairs:
                continue
            flat = in_kernel_order(steps)
            a, b = flat[:, 0 : 2 * (flat.shape[1] // 2) : 2], flat[:, 1::2]
            excess = ((a + b).abs() - LARGEST_PAIR).clamp(min=0) * (a * b > 0) / 2
            a -= excess * a.sign()
            b -= excess * b.sign()
            steps.copy_(from_kernel_order(flat, steps))

    # -- writing it ---------------------------------------------------------------------------------------------------

    @torch.no_grad()
    def write(self, path: str | Path) -> None:
        fresh: dict[str, np.ndarray] = {}
        for name in self._scale_of:
            fresh[name] = self._scale(name).numpy().astype(np.float32).reshape(())
        for integer in self._weight_nodes:
            steps = self.weights[parameter_name(integer)]
            fresh[integer] = self.rounded(integer, steps.detach()).numpy().astype(np.int8)
        for node in self._order:
            if node.op_type not in ("Conv", "Gemm") or len(node.input) < 3:
                continue
            maker = self._makers.get(node.input[2])
            if maker is None:
                key = parameter_name(node.input[2])
                if key in self.biases:
                    fresh[node.input[2]] = self._bias(key).numpy()
                continue
            reader = self._makers[node.input[0]]
            input_scale = fresh.get(reader.input[1], self._constants[reader.input[1]])
            weight_scale = self._constants[self._makers[node.input[1]].input[1]]
            scale = weight_scale * np.float32(input_scale)
            bias = self._bias(parameter_name(maker.input[0])).numpy().astype(np.float64)
            fresh[maker.input[1]] = scale.astype(np.float32)
            fresh[maker.input[0]] = np.round(bias / scale).clip(-(2**31) + 1, 2**31 - 1).astype(np.int32)
        for tensor in self.file.graph.initializer:
            if tensor.name in fresh:
                old = self._constants[tensor.name]
                tensor.CopyFrom(numpy_helper.from_array(fresh[tensor.name].reshape(old.shape).astype(old.dtype), tensor.name))
        onnx.save(self.file, str(path))


def parameter_name(name: str) -> str:
    """PyTorch takes no dots in the names of parameters."""
    return name.replace(".", "·")


def in_kernel_order(weights: Tensor) -> Tensor:
    """[channel, the rest as a channels-last kernel reads it], a copy: input channels inside taps."""
    return weights.permute(0, *range(2, weights.dim()), 1).reshape(weights.shape[0], -1).clone()


def from_kernel_order(flat: Tensor, like: Tensor) -> Tensor:
    taps = like.shape[2:]
    return flat.reshape(like.shape[0], *taps, like.shape[1]).permute(0, like.dim() - 1, *range(1, like.dim() - 1)).contiguous()
