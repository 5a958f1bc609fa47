"""Trains a YOLO-NAS detector on a COCO-format data set. See README.md."""

from __future__ import annotations

import argparse
import math
import os
import time
from pathlib import Path

# Multi-scale training alternates between shapes: let oneDNN keep them all.
os.environ.setdefault("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "8192")
os.environ.setdefault("LRU_CACHE_CAPACITY", "8192")

import torch
from modern_yolonas.training.optimizer import create_optimizer
from torch.utils.data import DataLoader

import checkpoint
from dataset import BatchStream, CocoDetections
from ema import Ema
from keep import Keeper
from loss import DetectionLoss
from model import ARCHITECTURES, build

FORK = torch.multiprocessing.get_context("fork")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--train-images", required=True, help="a folder or a video")
    parser.add_argument("--train-annotations", required=True)
    parser.add_argument("--eval-images", required=True)
    parser.add_argument("--eval-annotations", required=True)
    parser.add_argument("--arch", choices=list(ARCHITECTURES), default="yolo_nas_xs")
    parser.add_argument("--input", default="512x384", help="width x height, multiples of 32")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=60, help="length of the run")
    parser.add_argument("--iterations", type=int, help="length of the run, instead of --minutes")
    parser.add_argument("--batch", type=int, default=8, help="at full size; smaller crops come in larger batches")
    parser.add_argument("--lr", type=float, default=1.5e-3)
    parser.add_argument("--weight-decay", type=float, default=0.02)
    parser.add_argument("--fine-from", type=float, default=0.75, help="share of the run before full size")
    parser.add_argument("--min-score", type=float, default=0.35, help="annotations with a lower `score` are ignored")
    parser.add_argument("--taller", type=float, default=32, help="height from which boxes count in the evaluation")
    parser.add_argument("--eval-minutes", type=float, default=5)
    parser.add_argument("--eval-every", type=int, default=1, help="use each n-th image in evaluations during the run")
    parser.add_argument("--init", help="a checkpoint to start from")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--float32", action="store_true", help="no bfloat16 autocast")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


def learning_rate(progress: float, iteration: int, peak: float) -> float:
    warm = min(1.0, iteration / 200)
    return peak * warm * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * progress)))


def batch_loader(stream: BatchStream, workers: int) -> DataLoader:
    """Forked, so the workers share the decoded frames."""
    options = {"prefetch_factor": 4, "multiprocessing_context": FORK} if workers else {}
    return DataLoader(stream, batch_size=None, num_workers=workers, **options)


def main() -> None:
    args = arguments()
    torch.manual_seed(args.seed)
    size = tuple(int(side) for side in args.input.split("x"))
    data = CocoDetections(args.train_images, args.train_annotations, args.min_score)
    held_out = CocoDetections(args.eval_images, args.eval_annotations)
    if data.classes != held_out.classes:
        raise SystemExit(f"training classes {data.classes}, evaluation classes {held_out.classes}")

    model = checkpoint.load(args.init)[0] if args.init else build(args.arch, len(data.classes))
    model.to(args.device, memory_format=torch.channels_last).train()
    ema = Ema(model)
    criterion = DetectionLoss()
    optimizer = create_optimizer(model, "adamw", lr=args.lr, weight_decay=args.weight_decay)
    keeper = Keeper(args.out, args.arch, held_out, size, args.taller)
    progress = FORK.Value("d", 0.0)
    batches = batch_loader(BatchStream(data, size, args.batch, progress, args.fine_from, args.seed), args.workers)

    started = last_eval = time.monotonic()
    running = torch.zeros(3)
    for iteration, batch in enumerate(batches, start=1):
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(progress.value, iteration, args.lr)
        images, boxes, labels = (part.to(args.device) for part in batch)
        # [B,H,W,C] seen as [B,C,H,W] already is channels_last.
        images = images.permute(0, 3, 1, 2).float().div_(255)
        with torch.autocast(args.device, torch.bfloat16, enabled=not args.float32):
            output = model(images)
        loss, parts = criterion(output, boxes, labels)
        if not torch.isfinite(loss):
            raise SystemExit(f"the loss is {loss.item()} at iteration {iteration}")
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 10.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        ema.update(model)

        minutes = (time.monotonic() - started) / 60
        progress.value = min(1.0, iteration / args.iterations if args.iterations else minutes / args.minutes)
        running = 0.98 * running + 0.02 * torch.tensor(parts)
        if iteration % 50 == 0:
            losses = " ".join(f"{part:.3f}" for part in running / (1 - 0.98**iteration))
            print(f"{iteration} {minutes:.1f}min {progress.value:.3f} cls,box,dfl {losses}", flush=True)

        if progress.value >= 1:
            keeper.evaluate(ema.model, iteration, minutes, every=1)
            break
        if time.monotonic() - last_eval > 60 * args.eval_minutes:
            keeper.evaluate(ema.model, iteration, minutes, every=args.eval_every)
            last_eval = time.monotonic()


if __name__ == "__main__":
    main()
