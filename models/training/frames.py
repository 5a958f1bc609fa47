"""Where pixels come from: a folder of images or a video, always as RGB uint8."""

from __future__ import annotations

import tempfile
from pathlib import Path

import cv2
import numpy as np

VIDEO_SUFFIXES = {".mp4", ".avi", ".mkv", ".mov", ".webm", ".ts"}


class FolderFrames:
    """Images are read from disk when asked for, by their COCO `file_name`."""

    def __init__(self, folder: Path, images: list[dict]):
        self._paths = {image["id"]: folder / image["file_name"] for image in images}

    def __getitem__(self, image_id: int) -> np.ndarray:
        image = cv2.imread(str(self._paths[image_id]), cv2.IMREAD_COLOR)
        if image is None:
            raise FileNotFoundError(self._paths[image_id])
        return cv2.cvtColor(image, cv2.COLOR_BGR2RGB)

    def background(self) -> np.ndarray | None:
        return None


class VideoFrames:
    """Every frame is decoded once into a memory-mapped file; a COCO `image_id`
    is the number of the frame, counted from 0."""

    def __init__(self, path: Path):
        self._file = tempfile.NamedTemporaryFile(suffix=".frames")
        video = cv2.VideoCapture(str(path))
        shape: tuple[int, int, int] | None = None
        count = 0
        while True:
            more, frame = video.read()
            if not more:
                break
            shape = frame.shape
            self._file.write(cv2.cvtColor(frame, cv2.COLOR_BGR2RGB).tobytes())
            count += 1
        if shape is None:
            raise ValueError(f"no frames could be decoded from {path}")
        self._file.flush()
        self._frames = np.memmap(self._file.name, np.uint8, "r", shape=(count, *shape))

    def __len__(self) -> int:
        return len(self._frames)

    def __getitem__(self, image_id: int) -> np.ndarray:
        return self._frames[image_id]

    def background(self) -> np.ndarray | None:
        """The median over time: what a fixed camera sees when nobody is there."""
        step = max(1, len(self._frames) // 60)
        return np.median(self._frames[::step], axis=0).astype(np.uint8)


def open_frames(source: str, images: list[dict]) -> FolderFrames | VideoFrames:
    path = Path(source)
    if path.is_dir():
        return FolderFrames(path, images)
    if path.suffix.lower() in VIDEO_SUFFIXES:
        return VideoFrames(path)
    raise ValueError(f"{source} is neither a folder nor a video")
