from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

from mpafer_plugin.datasets.splits import hash_rank
from mpafer_plugin.datasets.verification.image_facts import image_digest

TRAIN, HELD_OUT = 'FER2013Train', ('FER2013Valid', 'FER2013Test')


class PhotoSplit(NamedTuple):
    """Training photographs of FER+ in two halves.

    Args:
        half_a (dict[str, np.ndarray]): Grey images to pre-train on, by
            their paths relative to the dataset's folder.
        half_b (list[str]): Paths of the others, to train prompts on.
        copies (list[str]): Paths of exact copies of validation and test
            images, which are in neither half.
    """

    half_a: dict[str, np.ndarray]
    half_b: list[str]
    copies: list[str]


def split_photos(root: Path, seed: int = 0) -> PhotoSplit:
    """Split FER+'s training photographs, without looking at labels.

    A hash of seed and pixels decides, so the halves are the same on every
    machine, and copies of one image are in the same half.

    Args:
        root (Path): The folder that holds FER2013Train, FER2013Valid and
            FER2013Test.
        seed (int): Another seed gives other halves. Defaults to 0.

    Raises:
        FileNotFoundError: If one of the folders has no images.
        ValueError: If an image cannot be read.
    """
    held_out = {
        image_digest(image)
        for folder in HELD_OUT
        for image in _read(root, folder).values()
    }
    images = _read(root, TRAIN)
    digests = {path: image_digest(p) for path, p in images.items()}
    own = [path for path in images if digests[path] not in held_out]
    half_a = {
        path: images[path]
        for path in own
        if hash_rank(seed, digests[path])[0] < 128
    }
    half_b = [path for path in own if path not in half_a]
    return PhotoSplit(
        half_a, half_b, [p for p in images if digests[p] in held_out]
    )


def _read(root: Path, folder: str) -> dict[str, np.ndarray]:
    paths = sorted((root / folder).glob('*.png'))
    if not paths:
        raise FileNotFoundError(
            f'no *.png in {root / folder}: {root} must be the folder of FER+, '
            'which holds FER2013Train, FER2013Valid and FER2013Test'
        )
    images = {}
    for path in paths:
        image = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
        if image is None:
            raise ValueError(f'{path} cannot be read as an image')
        images[f'{folder}/{path.name}'] = image
    return images
