import numpy as np

from .action_units import pick
from .brush import Brush, ellipse, fold, mix, place, shade
from .identity import Identity

_BUMP = 0.16  # how far the tip of the nose stands out, face units


def draw_nose(brush: Brush, person: Identity, units: np.ndarray) -> None:
    """Draw the nose, its wrinkles and the folds down to the mouth."""
    wrinkle, lip, flare = pick(units, 'AU9', 'AU10', 'AU38')
    skin = person.skin
    top = person.eye_height
    base = top + person.nose_length - 0.06 * wrinkle - 0.02 * lip
    width = person.nose_width * (1 + 0.22 * flare + 0.15 * wrinkle)
    for side in (-1, 1):
        ridge = place([[0.07, top], [0.06, base - 0.16]], side)
        brush.line(ridge, fold(skin, 0.28), 0.03, 0.06)
        wing = [
            [width * 0.75, base - 0.1],
            [width * 1.1, base - 0.05],
            [width * 1.05, base + 0.01],
            [width * 0.7, base + 0.025],
        ]
        colour = fold(skin, 0.55 + 0.4 * flare)
        brush.line(place(wing, side), colour, 0.022, _BUMP)
        hole = ellipse(
            side * width * 0.5,
            base + 0.012,
            0.042 + 0.025 * flare,
            0.018 + 0.022 * flare + 0.008 * wrinkle,
            10,
        )
        brush.fill(hole, shade(skin, 0.25), _BUMP)
    tip = [[-0.04, base + 0.03], [0, base + 0.045], [0.04, base + 0.03]]
    brush.line(tip, fold(skin, 0.6), 0.018, _BUMP)
    shine = ellipse(-0.01, base - 0.08, 0.035, 0.04, 10)
    brush.fill(shine, mix(skin, (255.0, 250.0, 245.0), 0.3), _BUMP)
    if wrinkle >= 0.12:
        _draw_wrinkles(brush, person, wrinkle)
    for side, smile in zip(
        (-1, 1), pick(units, 'AU12L', 'AU12R'), strict=True
    ):
        bend = [
            [width * 1.25, base - 0.06 - 0.05 * lip],
            [0.29 + 0.06 * smile, base + 0.1 - 0.03 * smile],
            [0.34 + 0.11 * smile, person.mouth_height - 0.06 * smile],
        ]
        depth = person.wrinkles * max(0.9 * smile, lip, 0.7 * wrinkle)
        brush.line(place(bend, side), fold(skin, 0.12 + 0.8 * depth), 0.026)


def draw_forehead(brush: Brush, person: Identity, units: np.ndarray) -> None:
    """Draw the lines of a forehead with raised or knitted brows."""
    inner, outer, lower = pick(units, 'AU1', 'AU2', 'AU4')
    height = person.eye_height - person.brow_gap
    across = np.linspace(-1, 1, 9)
    raised = person.wrinkles * max(inner, outer)
    if raised > 0.15:
        bow = -0.03 * outer * np.cos(across * np.pi / 2)
        for step in (0.2, 0.28, 0.36):
            y = height - step - 0.04 * inner + bow
            line = np.stack([across * (0.24 + 0.26 * outer), y], 1)
            brush.line(line, fold(person.skin, raised * 0.9), 0.02)
    knitted = person.wrinkles * lower
    if knitted > 0.15:
        furrow = [[0.045, -0.1], [0.04, 0.0], [0.055, 0.11]]
        colour = fold(person.skin, knitted * 1.1)
        for side in (-1, 1):
            shape = place(furrow, side, at=(0, height + 0.04))
            brush.line(shape, colour, 0.026)


def _draw_wrinkles(brush: Brush, person: Identity, wrinkle: float) -> None:
    """Draw lines across the bridge and down along its sides."""
    top = person.eye_height
    colour = fold(person.skin, wrinkle * (0.5 + 0.6 * person.wrinkles))
    for step, reach in ((-0.03, 0.08), (0.035, 0.1), (0.1, 0.11)):
        line = [[-reach, 0.03], [0.0, -0.01], [reach, 0.03]]
        brush.line(place(line, at=(0, top + step)), colour, 0.022, 0.08)
    for side in (-1, 1):
        line = [[0.09, 0.06], [0.15, 0.13]]
        brush.line(place(line, side, (0, top + 0.04)), colour, 0.022, 0.06)
