"""Evaluates during a run, and keeps the best weights and the numbers."""

from __future__ import annotations

import json
from pathlib import Path

import checkpoint
from dataset import CocoDetections
from evaluate import report
from modern_yolonas.model import YoloNAS


class Keeper:
    """Best means the highest AP (50:95, steadier than AP50) over boxes taller than `taller`."""

    def __init__(self, out: Path, arch: str, data: CocoDetections, size: tuple[int, int], taller: float):
        self._out = out
        self._arch = arch
        self._data = data
        self._size = size
        self._taller = taller
        self._best: dict | None = None
        self._history: list[dict] = []

    def evaluate(self, model: YoloNAS, iteration: int, minutes: float, every: int) -> None:
        result = report(model, self._data, self._size, self._taller, every=every)
        entry = {"iteration": iteration, "minutes": round(minutes, 1), "every": every, **result}
        print(json.dumps(entry), flush=True)
        self._history.append(entry)
        self._save("last", model)
        if self._best is None or self._score(entry) >= self._score(self._best):
            self._best = entry
            self._save("best", model)
        text = json.dumps({"best": self._best, "history": self._history}, indent=2)
        checkpoint.write_text(self._out / "report.json", text)

    def _score(self, entry: dict) -> float:
        return entry[f"taller_than_{self._taller:g}"]["AP"]

    def _save(self, name: str, model: YoloNAS) -> None:
        path = self._out / f"{name}.safetensors"
        checkpoint.save(path, model, self._arch, self._data.classes, self._size)
