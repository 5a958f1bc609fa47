"""Fine-tunes an INT8 file of `model quantize` until it says what the float model says. See README.md."""

from __future__ import annotations

import argparse
import json
import math
import time
from pathlib import Path

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from evaluate import letterbox
from frames import VIDEO_SUFFIXES, open_frames
from qdq_graph import QdqGraph

PICTURES = {".jpg", ".jpeg", ".png", ".bmp", ".webp"}
HELD_BACK = 4
"""One picture of so many is not trained on: the loss that is printed comes from these."""


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--float", required=True, help="the prepared model in FP32, which is imitated")
    parser.add_argument("--quantized", required=True, help="its int8.cpu.onnx or int8.trt.onnx")
    parser.add_argument("--images", required=True, help="a folder or a video; labels are not needed")
    parser.add_argument("--out", type=Path, required=True, help="the file to write, beside others of its kind")
    parser.add_argument("--iterations", type=int, default=500)
    parser.add_argument("--batch", type=int, default=2)
    parser.add_argument("--lr", type=float, default=0.012, help="of weights, in steps of 8 bits")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


def load_pictures(source: str, model: QdqGraph) -> Tensor:
    """[N, 3, H, W] uint8 as the prepared model takes them: planes G, B, R, letterboxed. All are kept in memory."""
    facts = json.loads({p.key: p.value for p in model.file.metadata_props}["sightline.prepared"])
    if not facts["input"] == facts["fit"] == facts["frame"]:
        raise SystemExit("only models that use their whole input are fine-tuned: prepare it with --fit of the input's size")
    size = (facts["input"]["width"], facts["input"]["height"])
    path = Path(source)
    if path.suffix.lower() in VIDEO_SUFFIXES:
        video = open_frames(source, [])
        pictures = (video[i] for i in range(len(video)))
    else:
        names = sorted(file for file in path.iterdir() if file.suffix.lower() in PICTURES)
        pictures = (cv2.cvtColor(cv2.imread(str(name)), cv2.COLOR_BGR2RGB) for name in names)
    planes = [letterbox(picture, size)[0][..., [1, 2, 0]].transpose(2, 0, 1) for picture in pictures]
    if len(planes) < HELD_BACK:
        raise SystemExit(f"{source} has {len(planes)} pictures: give at least {HELD_BACK}, better some hundreds")
    return torch.from_numpy(np.stack(planes))


def augment(pictures: Tensor) -> Tensor:
    """Mirrored, scaled, shifted, darker or lighter: the float model says what is right, whatever comes out."""
    pictures = pictures.float()
    if torch.rand(()) < 0.5:
        pictures = pictures.flip(3)
    height, width = pictures.shape[2:]
    if torch.rand(()) < 0.7:
        factor = float(torch.empty(()).uniform_(0.85, 1.25))
        pictures = F.interpolate(pictures, scale_factor=factor, mode="bilinear", antialias=True)
    scaled_height, scaled_width = pictures.shape[2:]
    y = int(torch.randint(min(0, height - scaled_height), max(0, height - scaled_height) + 1, ()))
    x = int(torch.randint(min(0, width - scaled_width), max(0, width - scaled_width) + 1, ()))
    canvas = torch.full((len(pictures), 3, height, width), 114.0)
    canvas[:, :, max(0, y) : y + scaled_height, max(0, x) : x + scaled_width] = pictures[
        :, :, max(0, -y) : max(0, -y) + min(height, scaled_height), max(0, -x) : max(0, -x) + min(width, scaled_width)
    ]
    gain = torch.empty(len(pictures), 1, 1, 1).uniform_(0.8, 1.2)
    offset = torch.empty(len(pictures), 1, 1, 1).uniform_(-15, 15)
    return (canvas * gain + offset).round().clamp(0, 255).byte()


def distances(raw: Tensor) -> tuple[Tensor, Tensor]:
    """Logarithms of the distribution [B, 4, bins, H, W], and its mean [B, 4, H, W]: a box's four sides, in strides."""
    batch, channels, height, width = raw.shape
    logarithms = raw.view(batch, 4, channels // 4, height, width).log_softmax(2)
    bins = torch.arange(channels // 4.0).view(1, 1, -1, 1, 1)
    return logarithms, (logarithms.exp() * bins).sum(2)


def imitation(student: list[Tensor], teacher: list[Tensor]) -> tuple[Tensor, Tensor, Tensor]:
    """How far boxes (relative to their size), distributions and scores are from the float model's. Places count by its score."""
    box = divergence = classes = total = torch.zeros(())
    for i in range(0, len(teacher), 2):
        score = teacher[i].sigmoid()
        weight = score.amax(1, keepdim=True)
        (mine, my_sides), (theirs, sides) = distances(student[i + 1]), distances(teacher[i + 1])
        size = torch.stack([sides[:, 0] + sides[:, 2], sides[:, 1] + sides[:, 3]] * 2, 1).clamp(min=0.5)
        box = box + (weight * ((my_sides - sides) / size).abs()).sum()
        divergence = divergence + (weight.unsqueeze(1) * theirs.exp() * (theirs - mine)).sum()
        least = F.binary_cross_entropy_with_logits(teacher[i], score, reduction="sum")
        classes = classes + F.binary_cross_entropy_with_logits(student[i], score, reduction="sum") - least
        total = total + weight.sum()
    return box / total, divergence / total, classes / total


def main() -> None:
    args = arguments()
    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    teacher = QdqGraph(args.float).requires_grad_(False)
    student = QdqGraph(args.quantized)
    if set(teacher.predictions) != set(student.predictions) or len(teacher.predictions) % 2:
        raise SystemExit(f"{args.quantized} was not quantised from {args.float}, or is no YOLO-NAS")
    # Scores and distances by turns, as the float file has them; the order of operators in the other may differ.
    student.predictions = teacher.predictions
    pictures = load_pictures(args.images, teacher)
    trained = [i for i in range(len(pictures)) if i % HELD_BACK != 1]
    held_back = [i for i in range(len(pictures)) if i % HELD_BACK == 1]
    held_back = held_back[:: max(1, len(held_back) // 12)]

    @torch.no_grad()
    def loss_on_held_back() -> str:
        parts = [torch.stack(imitation(student(p), teacher(p))) for p in pictures[held_back].split(1)]
        box, divergence, classes = torch.stack(parts).mean(0).tolist()
        return f"held back: boxes {100 * box:.3f}%, distributions {divergence:.5f}, classes {classes:.5f}"

    # A scale or a bias moves a whole tensor or channel: slower than a weight.
    groups = [(student.weights, 1.0), (student.biases, 1 / 12), (student.scales, 1 / 24)]
    optimizer = torch.optim.Adam([{"params": list(p.values()), "share": share} for p, share in groups], betas=(0.9, 0.99))
    print(f"0 {loss_on_held_back()}", flush=True)
    started = time.monotonic()
    for iteration in range(1, args.iterations + 1):
        progress = iteration / args.iterations
        for group in optimizer.param_groups:
            warm = min(1.0, iteration / 20)
            group["lr"] = args.lr * group["share"] * warm * 0.5 * (1 + math.cos(math.pi * progress))
        batch = augment(pictures[[trained[i] for i in torch.randint(len(trained), (args.batch,))]])
        with torch.no_grad():
            wanted = teacher(batch)
        box, divergence, classes = imitation(student(batch), wanted)
        loss = 2 * box + divergence + classes
        if not torch.isfinite(loss):
            raise SystemExit(f"the loss is {loss.item()} at iteration {iteration}")
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        student.project()
        if iteration % 50 == 0 or iteration == args.iterations:
            minutes = (time.monotonic() - started) / 60
            print(f"{iteration} {minutes:.1f}min {loss_on_held_back()}", flush=True)
    args.out.parent.mkdir(parents=True, exist_ok=True)
    student.write(args.out)


if __name__ == "__main__":
    main()
