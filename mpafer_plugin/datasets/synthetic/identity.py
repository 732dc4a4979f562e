from dataclasses import dataclass

import numpy as np

Colour = tuple[float, float, float]

_SKINS = np.array([
    (250, 222, 202), (241, 204, 178), (226, 182, 148), (205, 156, 118),
    (172, 122, 86), (132, 90, 62), (96, 64, 46),
], dtype=float)  # fmt: skip
_HAIRS = np.array([
    (28, 24, 24), (52, 36, 28), (92, 60, 38), (140, 96, 56),
    (196, 156, 96), (150, 74, 40), (150, 148, 146),
], dtype=float)  # fmt: skip
_IRISES = np.array(
    [(62, 40, 26), (92, 60, 36), (70, 100, 76), (84, 116, 150)], dtype=float
)


@dataclass(frozen=True)
class Identity:
    """Appearance of one person, the same in all images.

    Lengths are in face units: the image reaches from -1 to 1, x to the
    right, y down. Colours are RGB from 0 to 255.
    """

    skin: Colour
    hair: Colour
    brow: Colour
    lips: Colour
    iris: Colour
    hair_style: int  # 0 bald, 1 short, 2 parted, 3 fringe, 4 long
    face_width: float
    jaw_width: float
    chin: float
    eye_distance: float
    eye_width: float
    eye_opening: float
    eye_tilt: float
    eye_height: float
    iris_radius: float
    brow_gap: float
    brow_thickness: float
    brow_arch: float
    brow_slope: float
    nose_width: float
    nose_length: float
    mouth_height: float
    mouth_width: float
    upper_lip: float
    lower_lip: float
    mouth_curve: float  # corners of the resting mouth, down is positive
    wrinkles: float  # how deep the skin folds
    beard: float  # 0 for none
    moustache: bool
    glasses: float  # thickness of the frame, 0 for none


def sample_identity(rng: np.random.Generator) -> Identity:
    """Sample a person.

    Args:
        rng (np.random.Generator): Source of randomness; the same state gives
            the same person.
    """
    skin = _between(rng, _SKINS)
    hair = _HAIRS[rng.integers(len(_HAIRS))] * rng.uniform(0.8, 1.15)
    dark = _HAIRS[rng.integers(3)]
    lips = skin * (0.86, 0.62, 0.62) + rng.uniform(-12, 14, 3)
    man = rng.random() < 0.5
    return Identity(
        skin=_colour(skin),
        hair=_colour(hair),
        brow=_colour(0.5 * np.minimum(hair, 130) + 0.5 * dark),
        lips=_colour(lips),
        iris=_colour(_IRISES[rng.integers(4)] * rng.uniform(0.8, 1.2)),
        hair_style=int(rng.integers(0 if man else 1, 4 if man else 5)),
        face_width=rng.uniform(0.72, 0.84),
        jaw_width=rng.uniform(0.62, 0.9),
        chin=rng.uniform(0.84, 0.95),
        eye_distance=rng.uniform(0.35, 0.41),
        eye_width=rng.uniform(0.18, 0.23),
        eye_opening=rng.uniform(0.085, 0.12),
        eye_tilt=rng.uniform(-0.03, 0.02),
        eye_height=rng.uniform(-0.22, -0.15),
        iris_radius=rng.uniform(0.085, 0.105),
        brow_gap=rng.uniform(0.22, 0.28),
        brow_thickness=rng.uniform(0.035, 0.07),
        brow_arch=rng.uniform(0.02, 0.06),
        brow_slope=rng.uniform(-0.03, 0.02),
        nose_width=rng.uniform(0.11, 0.16),
        nose_length=rng.uniform(0.33, 0.42),
        mouth_height=rng.uniform(0.46, 0.53),
        mouth_width=rng.uniform(0.23, 0.30),
        upper_lip=rng.uniform(0.045, 0.075),
        lower_lip=rng.uniform(0.06, 0.095),
        mouth_curve=rng.uniform(-0.02, 0.02),
        wrinkles=rng.uniform(0.5, 1.0),
        beard=float(man and rng.random() < 0.35) * rng.uniform(0.25, 0.8),
        moustache=bool(man and rng.random() < 0.2),
        glasses=float(rng.random() < 0.15) * rng.uniform(0.01, 0.03),
    )


def _between(rng: np.random.Generator, palette: np.ndarray) -> np.ndarray:
    """Mix two neighbours of an ordered palette."""
    place = rng.uniform(0, len(palette) - 1)
    low = int(place)
    share = place - low
    return palette[low] * (1 - share) + palette[low + 1] * share


def _colour(values: np.ndarray) -> Colour:
    red, green, blue = np.clip(values, 0, 255).tolist()
    return red, green, blue
