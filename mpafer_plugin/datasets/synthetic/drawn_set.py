import json
import os
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path

import cv2
import numpy as np
from rich.progress import track

from mpafer_plugin.utils.json_text import parse_json
from mpafer_plugin.utils.quoting import quote

from ..rafdb.rafdb import RAFDB
from .action_units import sample_expression
from .identity import sample_identity
from .nuisance import sample_nuisance
from .renderer import draw_face

VERSION = 1
"""Incremented whenever the same seed draws other images."""

STAMP = 'synthetic_faces.json'
SIZE = 100  # pixels, as RAF-DB's aligned faces
IMAGES_PER_PERSON = 4
_JPEG_QUALITY = 95

LABEL_NAMES = {**RAFDB.LABEL_NAMES, 8: 'contempt'}  # RAF-DB has no 8
# Relative number of images of each label: mildly unbalanced.
_SHARES = {1: 4, 2: 3, 3: 3, 4: 5, 5: 4, 6: 4, 7: 4, 8: 3}

STREAMS = {'train': 0, 'test': 1, 'pretrain': 2}
"""Independent streams of random people and expressions.

No two streams share a person: face-tiny is trained on 'pretrain' and tested
on people it has not seen.
"""


@dataclass(frozen=True)
class Recipe:
    """Parameters of a drawn dataset, stored in its folder as JSON."""

    seed: int
    contempt: bool
    num_train: int
    num_test: int
    version: int = VERSION

    def labels(self, part: str) -> np.ndarray:
        """Return RAF-DB's number of every image of 'train' or 'test'."""
        numbers = list(_SHARES) if self.contempt else list(_SHARES)[:-1]
        row = np.repeat(numbers, [_SHARES[number] for number in numbers])
        rng = np.random.default_rng([self.seed, STREAMS[part], 2])
        count = self.num_train if part == 'train' else self.num_test
        return rng.permutation(np.resize(row, count))


def person_rng(seed: int, stream: str, person: int) -> np.random.Generator:
    """Return the generator of a person, by number."""
    return np.random.default_rng([seed, STREAMS[stream], 0, person])


def image_rng(seed: int, stream: str, index: int) -> np.random.Generator:
    """Return the generator of an image, by number."""
    return np.random.default_rng([seed, STREAMS[stream], 1, index])


def person_of(name: str) -> str:
    """Name the person of an image, such as ``train_00005.jpg``, from 0."""
    part, number = name.split('.')[0].split('_')[:2]
    return f'{part} {(int(number) - 1) // IMAGES_PER_PERSON}'


def draw_image(
    seed: int, part: str, index: int, expression: str
) -> np.ndarray:
    """Draw one image of the dataset.

    Args:
        seed (int): Seed of the dataset.
        part (str): 'train' or 'test'; they share no person.
        index (int): Number of the image in its part, from 0.
        expression (str): The expression of the face.

    Returns:
        np.ndarray: RGB image (100, 100, 3), uint8.
    """
    number = index // IMAGES_PER_PERSON
    person = sample_identity(person_rng(seed, part, number))
    rng = image_rng(seed, part, index)
    units = sample_expression(rng, expression)
    return draw_face(person, units, sample_nuisance(rng), SIZE, rng)


def draw_set(root: Path, recipe: Recipe) -> None:
    """Draw the dataset into a folder, unless it exists.

    It is drawn beside ``root`` and renamed into place, so that no process
    sees an incomplete one.

    Args:
        root (Path): The folder.
        recipe (Recipe): Parameters of the dataset.

    Raises:
        ValueError: If ``root`` holds anything else.
    """
    if root.is_dir() and any(root.iterdir()):
        check_stamp(root, recipe)
        return
    root.parent.mkdir(parents=True, exist_ok=True)
    draft = root.with_name(f'.{root.name}.drawing-{os.getpid()}')
    try:
        _draw_into(draft, recipe)
        os.rename(draft, root)
    except OSError:
        # Another process may have been faster.
        if not (root / STAMP).is_file():
            raise
        check_stamp(root, recipe)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def check_stamp(root: Path, recipe: Recipe) -> None:
    """Check that a folder was drawn by a recipe.

    Raises:
        ValueError: If it was not drawn, or by another recipe.
    """
    stamp = root / STAMP
    if not stamp.is_file():
        raise ValueError(
            f'{str(root)!r} is not empty and was not drawn by '
            f'SyntheticFaces (it has no {STAMP}); give another data_root'
        )
    found = parse_json(stamp.read_bytes(), str(stamp))
    if found != asdict(recipe):
        raise ValueError(
            f'{str(root)!r} was drawn as {quote(found)} ({STAMP}), but '
            f'{asdict(recipe)} is asked for; give another data_root, or '
            'remove the folder to draw it again'
        )


def _draw_into(root: Path, recipe: Recipe) -> None:
    images = root / 'basic' / 'Image' / 'aligned'
    labels = root / 'basic' / 'EmoLabel'
    images.mkdir(parents=True)
    labels.mkdir()
    quality = [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY]
    lines = []
    for part in ('train', 'test'):
        numbers = track(recipe.labels(part).tolist(), f'drawing {part} faces')
        for index, number in enumerate(numbers):
            face = draw_image(recipe.seed, part, index, LABEL_NAMES[number])
            name = f'{part}_{index + 1:05d}'
            bgr = cv2.cvtColor(face, cv2.COLOR_RGB2BGR)
            path = images / f'{name}_aligned.jpg'
            path.write_bytes(cv2.imencode('.jpg', bgr, quality)[1].tobytes())
            lines.append(f'{name}.jpg {number}\n')
    text = ''.join(lines)
    (labels / 'list_patition_label.txt').write_text(text, encoding='utf-8')
    (root / STAMP).write_text(json.dumps(asdict(recipe)), encoding='utf-8')
