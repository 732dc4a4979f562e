"""A checkpoint of `make quickstart`, made before there was a command line.

It was written by mpafer_plugin 0.1.0 at d4dbb99; the numbers are what that
version predicted.
"""

from pathlib import Path

import numpy as np

from mpafer_plugin.apis import FERInferencer

PATH = Path(__file__).parent / 'files' / 'quickstart_before_cli.pth'
PROBABILITIES = [
    [
        0.04054337,
        0.03597826,
        0.02584516,
        0.42491898,
        0.02985645,
        0.41454455,
        0.02831325,
    ],
    [
        0.0731033,
        0.1829053,
        0.02422024,
        0.35998851,
        0.04831535,
        0.18241055,
        0.12905677,
    ],
    [
        0.06617885,
        0.18034606,
        0.02445187,
        0.36930501,
        0.05549973,
        0.27557194,
        0.02864657,
    ],
]


def test_predictions_are_those_of_then():
    infer = FERInferencer(PATH, face='none')
    assert infer.classes[:3] == ['neutral', 'happiness', 'sadness']
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (3, 64, 64, 3), np.uint8)
    found = [faces[0]['pred_scores'] for faces in infer(list(images))]
    np.testing.assert_allclose(found, PROBABILITIES, atol=1e-5)
