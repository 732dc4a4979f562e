from typing import NamedTuple

import numpy as np

from mpafer_plugin.datasets.synthetic.action_units import ACTION_UNITS, INDEX
from mpafer_plugin.datasets.synthetic.drawn_set import image_rng, person_rng
from mpafer_plugin.datasets.synthetic.identity import sample_identity
from mpafer_plugin.datasets.synthetic.nuisance import sample_nuisance
from mpafer_plugin.datasets.synthetic.renderer import draw_face

from .landmarks import face_landmarks

IMAGES_A_PERSON = 4
_ACTIVE = 0.22  # probability that a unit is active
_REST_STD = 0.04  # standard deviation of units at rest
_BOTH_SIDES = 0.7  # probability that both mouth corners agree


class WideFace(NamedTuple):
    """Drawn face with random action units, for pre-training."""

    image: np.ndarray  # (S, S, 3), uint8, RGB
    units: np.ndarray  # (21, ), from 0 to 1
    landmarks: np.ndarray  # (27, 2), shares of the side


def sample_wide_units(rng: np.random.Generator) -> np.ndarray:
    """Draw action units independently of one another.

    The mixtures are as wide as the renderer allows and follow no expression's
    prototype, so that a tower trained on them is no classifier.

    Args:
        rng (np.random.Generator): Source of randomness.

    Returns:
        np.ndarray: Intensities (21, ) from 0 to 1.
    """
    count = len(ACTION_UNITS)
    active = rng.random(count) < _ACTIVE
    units = np.where(
        active,
        rng.uniform(0.1, 1, count),
        np.abs(rng.normal(0, _REST_STD, count)),
    )
    for one in ('AU12', 'AU14'):
        if rng.random() < _BOTH_SIDES:
            units[INDEX[one + 'R']] = units[INDEX[one + 'L']]
    return units


def draw_wide_face(seed: int, index: int, size: int) -> WideFace:
    """Draw image ``index`` of the stream for pre-training.

    Args:
        seed (int): Seed of the stream.
        index (int): Index of the image; neighbours share a person.
        size (int): Side of the image in pixels.

    Returns:
        WideFace: Image, action units and landmarks.
    """
    person = sample_identity(
        person_rng(seed, 'pretrain', index // IMAGES_A_PERSON)
    )
    rng = image_rng(seed, 'pretrain', index)
    units = sample_wide_units(rng)
    nuisance = sample_nuisance(rng)
    image = draw_face(person, units, nuisance, size, rng)
    return WideFace(image, units, face_landmarks(person, units, nuisance))
