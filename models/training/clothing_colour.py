"""Trains the classifier of models/clothing-colour: what colour the upper clothing of a person is, learned from made-up pictures only.

    python clothing_colour.py --out runs/clothing-colour

writes colour.onnx (float32 [N, 3, 64, 32], RGB 0…1 less ImageNet's mean by its deviation, logits out) and report.json. The same seed
makes the same pictures.
"""

import argparse
import json
import time
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import nn
from torch.nn import functional

COLOURS = ["black", "grey", "white", "red", "yellow", "green", "blue"]
HEIGHT, WIDTH = 64, 32
# Drawn larger and scaled down, as a camera's picture of a person is.
SCALE = 3
MEAN = torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1)
STD = torch.tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1)

# Hue in OpenCV's half degrees, saturation and value in 0…255; between two colours something is left out that people call both.
RANGES = {
    "black": ((0, 180), (0, 90), (5, 50)),
    "grey": ((0, 180), (0, 30), (85, 155)),
    "white": ((0, 180), (0, 28), (205, 255)),
    "red": ((-7, 7), (120, 255), (80, 240)),
    "yellow": ((20, 33), (110, 255), (130, 255)),
    "green": ((42, 85), (80, 255), (55, 220)),
    "blue": ((98, 128), (80, 255), (55, 240)),
}


def sample(random, colour):
    """A shade of a colour, RGB 0…255."""
    hue, saturation, value = (random.uniform(*bounds) for bounds in RANGES[colour])
    hsv = np.uint8([[[round(hue) % 180, round(saturation), round(value)]]])
    return cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB)[0, 0].tolist()


def background(random, height, width):
    """A ground, a wall, and things that stand about."""
    top, bottom = (np.array(sample(random, random.choice(COLOURS)), dtype=np.float32) for _ in range(2))
    dull = random.uniform(0.1, 0.9)
    top, bottom = (dull * each.mean() + (1 - dull) * each for each in (top, bottom))
    horizon = int(random.uniform(0.1, 0.9) * height)
    picture = np.empty((height, width, 3), np.float32)
    picture[:horizon], picture[horizon:] = top, bottom
    for _ in range(random.integers(0, 5)):
        x, y = int(random.uniform(-0.2, 1) * width), int(random.uniform(-0.2, 1) * height)
        size = (int(random.uniform(0.1, 0.6) * width), int(random.uniform(0.05, 0.6) * height))
        shade = sample(random, random.choice(COLOURS))
        cv2.rectangle(picture, (x, y), (x + size[0], y + size[1]), shade, -1)
    blurred = cv2.GaussianBlur(picture, (0, 0), random.uniform(0.5, 4) * SCALE)
    return np.clip(blurred, 0, 255)


def person(random, picture, colour):
    """Draws somebody whose upper clothing has the colour; nothing else need have it."""
    height, width = picture.shape[:2]
    shirt = np.array(sample(random, colour), dtype=np.float32)
    trousers = sample(random, random.choice(COLOURS))
    skin = np.array([random.uniform(70, 240)] * 3) * [1, random.uniform(0.65, 0.85), random.uniform(0.45, 0.75)]
    hair = sample(random, random.choice(["black", "black", "grey", "yellow"]))
    tall = random.uniform(0.82, 1.02) * height
    left = (width - random.uniform(-0.15, 0.15) * width) / 2
    top = random.uniform(-0.05, 1) * (height - tall) if tall < height else -random.uniform(0, 0.05) * height
    broad = random.uniform(0.17, 0.3) * width
    lean = random.uniform(-0.06, 0.06) * width
    at = lambda share, side: [left + lean * share * 4 + side, top + share * tall]
    fill = lambda points, shade: cv2.fillPoly(picture, [np.int32(np.round(points))], shade)
    neck, waist, knee = random.uniform(0.16, 0.2), random.uniform(0.45, 0.56), random.uniform(0.68, 0.76)
    apart = random.uniform(0.1, 0.9) * broad
    for side in (-1, 1):
        step = side * apart + random.uniform(-0.3, 0.3) * broad
        leg = [at(waist, side * broad), at(waist, 0), at(knee, step * 0.6), at(0.98, step), at(0.98, step + side * broad * 0.45)]
        fill(leg, trousers)
        cv2.circle(picture, tuple(int(v) for v in at(0.98, step + side * broad * 0.3)), int(broad * 0.35), sample(random, "black"), -1)
    sleeves = random.uniform() < 0.7
    for side in (-1, 1):
        reach = side * random.uniform(0.9, 1.6) * broad
        low = random.uniform(0.38, 0.55)
        arm = [at(neck + 0.02, side * broad * 0.9), at(low, reach + side * broad * 0.25), at(low, reach - side * broad * 0.1), at(neck + 0.1, side * broad * 0.6)]
        fill(arm, shirt.tolist() if sleeves else skin.tolist())
    torso = [at(neck, -broad * 0.95), at(neck - 0.02, 0), at(neck, broad * 0.95), at(waist, broad), at(waist, -broad)]
    fill(torso, shirt.tolist())
    # Folds and shadow on the cloth.
    shade = picture.copy()
    for _ in range(random.integers(1, 5)):
        x, y = at(random.uniform(neck, waist), random.uniform(-1, 1) * broad)
        dark = shirt * random.uniform(0.7, 1.2)
        cv2.ellipse(shade, (int(x), int(y)), (int(broad * random.uniform(0.1, 0.5)), int(tall * random.uniform(0.02, 0.12))),
                    random.uniform(0, 180), 0, 360, np.clip(dark, 0, 255).tolist(), -1)
    mask = np.zeros(picture.shape[:2], np.uint8)
    cv2.fillPoly(mask, [np.int32(np.round(torso))], 1)
    picture[mask == 1] = shade[mask == 1]
    if random.uniform() < 0.25:  # A bag, a logo, an open jacket.
        x, y = at(random.uniform(neck + 0.04, waist), random.uniform(-0.8, 0.8) * broad)
        cv2.rectangle(picture, (int(x), int(y)), (int(x + broad * random.uniform(0.1, 0.6)), int(y + tall * random.uniform(0.03, 0.15))),
                      sample(random, random.choice(COLOURS)), -1)
    head = at(neck * 0.5, random.uniform(-0.1, 0.1) * broad)
    size = (int(0.06 * tall * random.uniform(0.6, 1)), int(neck * tall * 0.5))
    cv2.ellipse(picture, (int(head[0]), int(head[1])), size, 0, 0, 360, skin.tolist(), -1)
    cv2.ellipse(picture, (int(head[0]), int(head[1] - size[1] * 0.3)), (size[0], int(size[1] * random.uniform(0.5, 1))), 0, 180, 360, hair, -1)


def camera(random, picture):
    """What a camera does to it: light, tint, blur, few pixels, noise, compression."""
    gain = random.uniform(0.75, 1.2)
    tint = random.uniform(0.92, 1.08, 3)
    light = np.linspace(random.uniform(0.8, 1.1), random.uniform(0.8, 1.1), picture.shape[0])[:, None, None]
    picture = picture * gain * tint * light + random.uniform(-8, 12)
    tall = int(random.uniform(24, 140))
    few = cv2.resize(picture, (max(8, int(tall * random.uniform(0.35, 0.6))), tall), interpolation=cv2.INTER_AREA)
    few = few + random.normal(0, random.uniform(0, 9), few.shape)
    few = np.uint8(np.clip(few, 0, 255))
    if random.uniform() < 0.7:
        quality = [cv2.IMWRITE_JPEG_QUALITY, int(random.uniform(25, 95))]
        few = cv2.imdecode(cv2.imencode(".jpg", few, quality)[1], cv2.IMREAD_COLOR)
    # As RoiAlign with enough samples gives it: means of what is made smaller.
    smaller = few.shape[0] > HEIGHT
    return cv2.resize(few, (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA if smaller else cv2.INTER_LINEAR)


def made_up(random, count):
    """Pictures uint8 [count, 64, 32, 3] in RGB, and the numbers of their colours."""
    pictures = np.empty((count, HEIGHT, WIDTH, 3), np.uint8)
    labels = random.integers(0, len(COLOURS), count)
    for index, label in enumerate(labels):
        picture = background(random, HEIGHT * SCALE, WIDTH * SCALE)
        person(random, picture, COLOURS[label])
        shot = camera(random, picture)
        pictures[index] = shot[:, ::-1] if random.uniform() < 0.5 else shot
    return pictures, labels


class Network(nn.Sequential):
    def __init__(self):
        layers, before = [], 3
        for width, step in ((24, 2), (32, 1), (48, 2), (48, 1), (64, 2), (64, 1)):
            layers += [nn.Conv2d(before, width, 3, step, 1, bias=False), nn.BatchNorm2d(width), nn.ReLU()]
            before = width
        # Where a colour is tells shirt from trousers, so places are kept: 8x4 cells.
        super().__init__(*layers, nn.Dropout2d(0.1), nn.AvgPool2d(2), nn.Flatten(), nn.Linear(before * 4 * 2, len(COLOURS)))


def tensors(pictures, labels):
    floats = torch.from_numpy(pictures).permute(0, 3, 1, 2).float() / 255
    return (floats - MEAN) / STD, torch.from_numpy(labels)


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--out", type=Path, required=True)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--pictures", type=int, default=40_000)
    options.add_argument("--epochs", type=int, default=8)
    options.add_argument("--batch", type=int, default=128)
    chosen = options.parse_args()
    torch.manual_seed(chosen.seed)
    begin = time.monotonic()
    pictures, labels = made_up(np.random.default_rng(chosen.seed), chosen.pictures)
    held = tensors(*made_up(np.random.default_rng(chosen.seed + 1_000_003), 4_000))
    print(f"{chosen.pictures} pictures made in {time.monotonic() - begin:.0f} s", flush=True)
    chosen.out.mkdir(parents=True, exist_ok=True)
    sheet = np.concatenate([np.concatenate(list(pictures[row * 20:row * 20 + 20]), 1) for row in range(5)])
    cv2.imwrite(str(chosen.out / "made-up.png"), sheet[..., ::-1])
    network = Network()
    steps = chosen.epochs * (chosen.pictures // chosen.batch)
    optimiser = torch.optim.AdamW(network.parameters(), 3e-3, weight_decay=1e-2)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 3e-3, total_steps=steps)
    order = np.random.default_rng(chosen.seed + 7)
    for epoch in range(chosen.epochs):
        network.train()
        shuffled = order.permutation(chosen.pictures)
        total = 0.0
        for at in range(0, chosen.pictures - chosen.batch + 1, chosen.batch):
            chosen_now = shuffled[at : at + chosen.batch]
            inputs, targets = tensors(pictures[chosen_now], labels[chosen_now])
            loss = functional.cross_entropy(network(inputs), targets, label_smoothing=0.05)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
            total += loss.item()
        accuracy = evaluate(network, held)[0]
        print(f"epoch {epoch + 1}: loss {total / (chosen.pictures // chosen.batch):.3f}, held-out accuracy {accuracy:.4f}", flush=True)
    accuracy, by_colour = evaluate(network, held)
    network.eval()
    torch.onnx.export(network, (held[0][:2],), str(chosen.out / "colour.onnx"), input_names=["image"], output_names=["logits"],
                      dynamic_shapes=({0: torch.export.Dim("batch")},), dynamo=True, external_data=False)
    report = {
        "seed": chosen.seed,
        "pictures": chosen.pictures,
        "epochs": chosen.epochs,
        "parameters": sum(each.numel() for each in network.parameters()),
        "heldOut": {"pictures": len(held[0]), "accuracy": round(accuracy, 4), "byColour": by_colour},
        "seconds": round(time.monotonic() - begin),
    }
    (chosen.out / "report.json").write_text(json.dumps(report, indent=2) + "\n")
    print(json.dumps(report, indent=2))


@torch.no_grad()
def evaluate(network, held):
    network.eval()
    inputs, targets = held
    guesses = network(inputs).argmax(1)
    by_colour = {colour: round((guesses[targets == i] == i).float().mean().item(), 3) for i, colour in enumerate(COLOURS)}
    return (guesses == targets).float().mean().item(), by_colour


if __name__ == "__main__":
    main()
