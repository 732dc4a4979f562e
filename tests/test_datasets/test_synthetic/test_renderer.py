import dataclasses
import time

import numpy as np
import pytest

from mpafer_plugin.datasets.synthetic import (
    ACTION_UNITS,
    draw_face,
    sample_identity,
    sample_nuisance,
)
from tools.pretraining.landmarks import LANDMARKS, SEEN_AT, face_landmarks


def draw(units, size=100, seed=0):
    rng = np.random.default_rng(seed)
    person, nuisance = scene(rng)
    return draw_face(person, units, nuisance, size, rng)


def scene(rng):
    person = dataclasses.replace(
        sample_identity(rng), glasses=0.0, wrinkles=1.0
    )
    nuisance = dataclasses.replace(
        sample_nuisance(rng), occluder=None, blur=0.0, noise=0.0, pitch=0.0
    )
    return person, nuisance


def rest():
    return np.zeros(len(ACTION_UNITS))


@pytest.mark.parametrize('size', [64, 100])
def test_image(size):
    face = draw(rest(), size)
    assert face.shape == (size, size, 3)
    assert face.dtype == np.uint8
    assert face.std() > 10


def test_same_source_same_image():
    assert np.array_equal(draw(rest(), seed=4), draw(rest(), seed=4))
    assert not np.array_equal(draw(rest(), seed=4), draw(rest(), seed=5))


@pytest.mark.parametrize('unit', ACTION_UNITS)
def test_a_unit_changes_its_part_of_the_face(unit):
    units = rest()
    units[ACTION_UNITS.index(unit)] = 0.9
    change = np.abs(draw(units).astype(int) - draw(rest())).max(2)
    assert change.max() > 20, 'nothing to see'
    points = face_landmarks(*_order(units, scene(np.random.default_rng(0))))
    at = points[SEEN_AT[ACTION_UNITS.index(unit)]]
    rows, columns = np.nonzero(change > 20)
    where = (np.stack([columns, rows], 1) + 0.5) / 100
    away = np.linalg.norm(where[:, None] - at[None], axis=2).min(1)
    # folds and the chin's outline reach away from the landmarks
    assert np.median(away) < 0.17


def test_both_corners_mirror_each_other():
    left, right = rest(), rest()
    left[ACTION_UNITS.index('AU12L')] = 1
    right[ACTION_UNITS.index('AU12R')] = 1
    change = [
        np.abs(draw(units).astype(int) - draw(rest())).sum(axis=(0, 2))
        for units in (left, right)
    ]
    assert change[0][:50].sum() > change[0][50:].sum()
    assert change[1][:50].sum() < change[1][50:].sum()


def test_landmarks():
    points = face_landmarks(*_order(rest(), scene(np.random.default_rng(1))))
    at = dict(zip(LANDMARKS, points, strict=True))
    assert points.shape == (len(LANDMARKS), 2)
    assert at['brow_arch_L'][1] < at['lid_upper_L'][1] < at['wing_L'][1]
    assert at['wing_L'][1] < at['lip_upper'][1] < at['chin'][1]
    assert at['corner_L'][0] < at['corner_R'][0]
    assert SEEN_AT.any(1).all(), 'a unit that is seen nowhere'


def test_speed():
    start = time.process_time()
    for seed in range(20):
        draw(rest(), 64, seed)
    # 3 ms on a core of ours
    assert (time.process_time() - start) / 20 < 0.1


def _order(units, person_and_nuisance):
    person, nuisance = person_and_nuisance
    return person, units, nuisance
