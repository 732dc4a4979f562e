"""Caches: a damaged file is made anew, and changes nothing."""

import tempfile
import warnings
from dataclasses import asdict
from pathlib import Path
from random import Random
from unittest.mock import Mock

import numpy as np
import torch

from mpafer_plugin.datasets import LoadDecodedImage
from mpafer_plugin.datasets.synthetic.drawn_set import (
    STAMP,
    Recipe,
    check_stamp,
)
from mpafer_plugin.engine.hooks.prototype_hook import load_cached

from .files import byte_file, json_file
from .folders import IMAGE, save
from .harness import Finding, Target
from .mutators import mutate_bytes

RECIPE = Recipe(seed=0, contempt=False, num_train=14, num_test=7)


def decoded_image(rng: Random, folder: Path) -> Path:
    """Write an image and a mutated file of its cache."""
    image = folder / 'image.png'
    save(image, IMAGE)
    load = LoadDecodedImage(str(folder / 'cache'))
    load({'img_path': str(image)})
    (path,) = load.folder.rglob('*.npy')
    save(path, mutate_bytes(path.read_bytes(), rng))
    return path


def read_decoded(path: Path) -> None:
    """Load the image, from the mutated file if it still is one."""
    cached = path.parents[1]
    image = cached.with_name('image.png')
    load = LoadDecodedImage(str(cached))
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter('always')
        img = load({'img_path': str(image)})['img']
    if said:
        messages = [str(warning.message) for warning in said]
        if not any(path.name in message for message in messages):
            raise Finding(messages)
        path.unlink()
        if not np.array_equal(img, load({'img_path': str(image)})['img']):
            raise Finding('another image was decoded')


def prototypes() -> bytes:
    with tempfile.TemporaryFile() as file:
        np.save(file, np.ones((2, 4), np.float32))
        file.seek(0)
        return file.read()


def read_prototypes(path: Path) -> None:
    logger = Mock()
    found = load_cached(path, torch.Size([2, 4]), logger)
    if found is None:
        raise ValueError(str(logger.warning.call_args))
    if found.shape != (2, 4) or not found.isfinite().all():
        raise Finding(found)


def read_stamp(path: Path) -> None:
    """Read what the images of a folder were drawn by, which decides."""
    check_stamp(path.parent, RECIPE)


TARGETS = [
    Target('decoded_image', decoded_image, read_decoded),
    Target('prototypes', byte_file('fuzzed.npy', prototypes), read_prototypes),
    Target('drawn_faces', json_file(STAMP, asdict(RECIPE)), read_stamp),
]
