from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Nuisance:
    """Variation of an image that is independent of the expression.

    Angles are in radians, lengths in face units (the image reaches from -1
    to 1), colours RGB from 0 to 255.
    """

    yaw: float
    pitch: float
    roll: float
    scale: float
    shift: tuple[float, float]
    gaze: float  # sideways, positive to the image's right
    light_angle: float  # where the light comes from
    light: float  # strength of the light's fall-off
    exposure: float
    contrast: float
    tint: tuple[float, float, float]
    background: tuple[float, float, float]
    blur: float  # standard deviation in face units
    noise: float  # standard deviation of a pixel, from 0 to 255
    occluder: tuple[float, float, float, float] | None  # x, y, width, height
    occluder_colour: tuple[float, float, float]


def sample_nuisance(rng: np.random.Generator) -> Nuisance:
    """Sample pose, light, blur, noise and perhaps an occluder.

    Args:
        rng (np.random.Generator): Source of randomness.
    """
    occluder = None
    if rng.random() < 0.15:
        # At the rim of the face, so that only a part is hidden.
        angle = rng.uniform(0, 2 * np.pi)
        reach = rng.uniform(0.55, 0.95)
        occluder = (
            reach * np.cos(angle),
            reach * np.sin(angle),
            rng.uniform(0.15, 0.42),
            rng.uniform(0.15, 0.42),
        )
    return Nuisance(
        yaw=float(np.clip(rng.normal(0, 0.2), -0.5, 0.5)),
        pitch=float(np.clip(rng.normal(0, 0.1), -0.25, 0.25)),
        roll=float(np.clip(rng.normal(0, 0.06), -0.2, 0.2)),
        scale=rng.uniform(0.98, 1.16),
        shift=(rng.normal(0, 0.03), rng.normal(0, 0.03)),
        gaze=float(np.clip(rng.normal(0, 0.25), -0.8, 0.8)),
        light_angle=rng.uniform(0, 2 * np.pi),
        light=rng.uniform(0, 0.35),
        exposure=rng.uniform(0.72, 1.15),
        contrast=rng.uniform(0.75, 1.1),
        tint=tuple(rng.normal(1, 0.03, 3).tolist()),
        background=_muted(rng),
        blur=max(0.0, rng.normal(0.004, 0.009)),
        noise=rng.uniform(0, 5),
        occluder=occluder,
        occluder_colour=_muted(rng),
    )


def _muted(rng: np.random.Generator) -> tuple[float, float, float]:
    """Sample a colour of any brightness and little hue."""
    grey = rng.uniform(30, 220)
    red, green, blue = np.clip(grey + rng.normal(0, 22, 3), 5, 250).tolist()
    return red, green, blue
