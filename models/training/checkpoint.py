"""Weights as .safetensors under super-gradients' names, with what is needed to
use them in the file's metadata. Also a command to inspect or convert a file."""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path

import torch
from modern_yolonas.model import YoloNAS
from safetensors import safe_open
from safetensors.torch import save_file

from model import build


def save(path: Path, model: YoloNAS, arch: str, classes: list[str], size: tuple[int, int]) -> None:
    """Replaces `path` in one step, so a reader never sees half a file."""
    state = {name: tensor.detach().contiguous() for name, tensor in model.state_dict().items()}
    metadata = {
        "arch": arch,
        "classes": json.dumps(classes),
        "input_width": str(size[0]),
        "input_height": str(size[1]),
        "channel_order": "rgb",
        "format": "super-gradients",
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.draft")
    save_file(state, draft, metadata=metadata)
    draft.chmod(0o644)
    os.replace(draft, path)


def write_text(path: Path, text: str) -> None:
    draft = path.with_name(f".{path.name}.draft")
    draft.write_text(text + "\n")
    os.replace(draft, path)


def load(path: str | Path) -> tuple[YoloNAS, dict]:
    """The model, and {arch, classes, size}."""
    with safe_open(path, "pt") as file:
        metadata = file.metadata()
        state = {name: file.get_tensor(name) for name in file.keys()}
    classes = json.loads(metadata["classes"])
    model = build(metadata["arch"], len(classes))
    model.load_state_dict(state)
    size = (int(metadata["input_width"]), int(metadata["input_height"]))
    return model, {"arch": metadata["arch"], "classes": classes, "size": size}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("checkpoint")
    parser.add_argument("--torch", metavar="PATH", help="also write a super-gradients .pth (ema_net)")
    args = parser.parse_args()
    model, facts = load(args.checkpoint)
    parameters = sum(p.numel() for p in model.parameters() if p.requires_grad)
    print(json.dumps({**facts, "trained_parameters": parameters, "tensors": len(model.state_dict())}))
    if args.torch:
        torch.save({"ema_net": model.state_dict()}, args.torch)


if __name__ == "__main__":
    main()
