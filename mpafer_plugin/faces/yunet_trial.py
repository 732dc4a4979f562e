"""Trial of a face detector of another version, in a process of its own.

OpenCV ends the interpreter for some damaged files.
"""

import subprocess
import sys
from functools import cache

import cv2
import numpy as np

SIZES = (256, 256), (320, 64)
"""Width and height of the images of the trial, in pixels (ours)."""

SECONDS = 60


@cache
def try_out(path: str, digest: str) -> None:
    """Run a detector once in another process; remembered by its digest.

    Args:
        path (str): The model.
        digest (str): Its SHA-256.

    Raises:
        ValueError: If the process fails, dies or takes too long.
    """
    command = [sys.executable, __file__, path]
    try:
        done = subprocess.run(command, capture_output=True, timeout=SECONDS)
    except subprocess.TimeoutExpired as error:
        raise ValueError(
            f'{path!r} is no face detector: it takes more than {SECONDS} s'
        ) from error
    if done.returncode:
        lines = done.stderr.decode(errors='replace').strip().splitlines()
        reason = lines[-1][:300] if lines else 'no message'
        raise ValueError(
            f'{path!r} is no face detector that OpenCV {cv2.__version__} '
            f'runs: exit code {done.returncode}, {reason}'
        )


def run(path: str) -> None:
    """Detect in images of noise, and of nothing."""
    detector = cv2.FaceDetectorYN.create(path, '', SIZES[0])
    rng = np.random.default_rng(0)
    for size in SIZES:
        detector.setInputSize(size)
        noise = rng.integers(0, 256, (*size[::-1], 3), dtype=np.uint8)
        for image in (noise, np.zeros_like(noise)):
            found = detector.detect(image)[1]
            if found is not None and found.shape[1] != 15:
                sys.exit(f'its results have shape {found.shape}')


if __name__ == '__main__':
    try:
        run(sys.argv[1])
    except cv2.error as error:
        sys.exit(' '.join(error.err.split()))
