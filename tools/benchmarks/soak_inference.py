"""An inferencer over many frames, and in several threads at a time."""

import gc
import os
import random
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import cycle, islice
from pathlib import Path

import cv2
import numpy as np

from mpafer_plugin.apis import FERInferencer
from mpafer_plugin.datasets.synthetic.drawn_set import draw_image

from .process_usage import usage_of

SIZES = (160, 120), (320, 240), (240, 320)
"""Width and height of the clips, in pixels."""

CLASSES = 'happiness', 'surprise', 'sadness', 'anger', 'neutral'


def draw_frames(
    count: int, size: tuple[int, int], start: int = 0
) -> list[np.ndarray]:
    """Draw frames of a face that moves before a grey wall.

    Args:
        count (int): Frames; the person changes every 25.
        size (tuple[int, int]): Width and height in pixels.
        start (int): Number of the first person. Defaults to 0.

    Returns:
        list[np.ndarray]: BGR images (H, W, 3), uint8.
    """
    width, height = size
    side = min(size) * 2 // 3
    frames = []
    for number in range(count):
        person = start + number // 25
        if number % 25 == 0:
            name = CLASSES[person % len(CLASSES)]
            face = draw_image(0, 'test', 4 * person, name)[..., ::-1]
            face = cv2.resize(face, (side, side))
        frame = np.full((height, width, 3), 128, np.uint8)
        x = (number * 2) % (width - side)
        y = (number * 3) % (height - side)
        frame[y : y + side, x : x + side] = face
        frames.append(frame)
    return frames


def write_clips(folder: Path, frames: int) -> list[Path]:
    """Write a video of drawn frames in each of :data:`SIZES`."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for number, size in enumerate(SIZES):
        path = folder / f'{size[0]}x{size[1]}.avi'
        code = cv2.VideoWriter.fourcc(*'MJPG')
        writer = cv2.VideoWriter(str(path), code, 25, size)
        for frame in draw_frames(frames, size, 100 * number):
            writer.write(frame)
        writer.release()
        paths.append(path)
    return paths


def watch_clips(
    inferencer: FERInferencer,
    clips: Sequence[Path],
    frames: int,
    record: Callable[[dict], None],
    every: int = 500,
) -> int:
    """Predict the frames of clips, again and again.

    Each fifth time a clip is left in its midst.

    Args:
        inferencer (FERInferencer): What is tried.
        clips (Sequence[Path]): Video files.
        frames (int): Frames to predict in total.
        record (Callable): Called after every ``every`` frames with a dict:
            ``step`` (frames so far), ``seconds`` and the fields of
            :class:`Usage` of this process.
        every (int): Defaults to 500.

    Returns:
        int: Faces found.
    """
    start, seen, faces = time.monotonic(), 0, 0

    def measure() -> None:
        seconds = round(time.monotonic() - start, 2)
        usage = usage_of(os.getpid())
        record(dict(step=seen, seconds=seconds, **usage._asdict()))

    for turn, clip in enumerate(cycle(clips)):
        video: Iterator = inferencer.video(clip, smoothing=0.8)
        if turn % 5 == 4:
            video = islice(video, 100)
        for _, _, found in video:
            if seen % every == 0:
                measure()
            seen += 1
            faces += len(found)
            if seen == frames:
                break
        del video
        if seen == frames:
            break
    gc.collect()
    measure()
    return faces


def compare_threads(
    inferencer: FERInferencer,
    images: Sequence[np.ndarray],
    threads: int,
    seed: int,
) -> int:
    """Predict images in several threads at a time, and one by one before.

    Each thread predicts all images, one a call, in an order of its own.

    Returns:
        int: Predictions that are not the same, bit for bit.
    """
    expected = [inferencer(image)[0] for image in images]

    def differing(thread: int) -> int:
        order = list(range(len(images)))
        random.Random(f'{seed} {thread}').shuffle(order)
        return sum(
            not same_faces(inferencer(images[i])[0], expected[i])
            for i in order
        )

    with ThreadPoolExecutor(threads) as pool:
        return sum(pool.map(differing, range(threads)))


def same_faces(ours: list[dict], theirs: list[dict]) -> bool:
    """Return whether two results of an image are the same, bit for bit."""
    return len(ours) == len(theirs) and all(
        a['bbox'] == b['bbox']
        and np.array_equal(a['pred_scores'], b['pred_scores'])
        for a, b in zip(ours, theirs, strict=True)
    )
