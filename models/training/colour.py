"""Changes to pixels that leave the boxes where they are."""

from __future__ import annotations

import cv2
import numpy as np


def disturb(image: np.ndarray, rng: np.random.Generator, strength: float) -> np.ndarray:
    """`strength` from 0 (nothing) to 1 scales both how often and how much."""

    def happens(chance: float) -> bool:
        return rng.random() < chance * strength

    if happens(0.7):
        image = _hsv(image, rng, strength)
    if happens(0.7):
        image = _tone(image, rng, strength)
    if happens(0.12):
        image = cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    if happens(0.05):
        image = np.ascontiguousarray(image[..., rng.permutation(3)])
    if happens(0.15):
        image = cv2.GaussianBlur(image, (0, 0), rng.uniform(0.3, 1.2))
    if happens(0.2):
        image = _noise(image, rng, rng.uniform(2, 10))
    if happens(0.15):
        quality = int(rng.integers(25, 90))
        _, packed = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])
        image = cv2.imdecode(packed, cv2.IMREAD_COLOR)
    return np.ascontiguousarray(image)


def _hsv(image: np.ndarray, rng: np.random.Generator, strength: float) -> np.ndarray:
    hue, saturation, value = rng.uniform(-1, 1, 3) * strength
    levels = np.arange(256, dtype=np.float32)
    tables = np.stack(
        [
            (levels + hue * 12) % 180,
            np.clip(levels * (1 + saturation * 0.6), 0, 255),
            np.clip(levels * (1 + value * 0.35), 0, 255),
        ],
        axis=-1,
    ).astype(np.uint8)
    hsv = cv2.cvtColor(image, cv2.COLOR_RGB2HSV)
    return cv2.cvtColor(cv2.LUT(hsv, tables[None]), cv2.COLOR_HSV2RGB)


def _tone(image: np.ndarray, rng: np.random.Generator, strength: float) -> np.ndarray:
    """Gamma, contrast and a colour cast, in one table per channel."""
    levels = np.arange(256, dtype=np.float32)[:, None] / 255
    gamma = np.exp(rng.uniform(-0.5, 0.5) * strength)
    contrast = 1 + rng.uniform(-0.35, 0.35) * strength
    cast = 1 + rng.uniform(-0.1, 0.1, 3) * strength
    table = ((levels**gamma - 0.5) * contrast + 0.5) * cast
    return cv2.LUT(image, (np.clip(table, 0, 1) * 255).astype(np.uint8)[None])


def _noise(image: np.ndarray, rng: np.random.Generator, deviation: float) -> np.ndarray:
    noise = np.empty(image.shape, np.int16)
    cv2.setRNGSeed(int(rng.integers(2**31)))
    cv2.randn(noise, 0, deviation)
    return cv2.add(image, noise, dtype=cv2.CV_8U)
