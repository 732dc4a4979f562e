import numpy as np

from .action_units import INDEX
from .brush import Brush, ellipse, mix, shade
from .identity import Identity

_BUMP = 0.16  # how far the tip of the nose stands out, face units


def draw_nose(brush: Brush, person: Identity, units: np.ndarray) -> None:
    """Draw the nose, its wrinkles and the folds down to the mouth."""
    wrinkle, lip, flare = (
        units[INDEX[name]] for name in ('AU9', 'AU10', 'AU38')
    )
    skin, fold = person.skin, shade(person.skin, 0.5)
    top = person.eye_height
    base = top + person.nose_length - 0.06 * wrinkle - 0.02 * lip
    width = person.nose_width * (1 + 0.22 * flare + 0.15 * wrinkle)
    for side in (-1, 1):
        ridge = np.array([[0.07, top], [0.06, base - 0.16], [width, base]])
        brush.line(ridge[:2] * (side, 1), mix(skin, fold, 0.28), 0.03, 0.06)
        wing = np.array(
            [
                [width * 0.75, base - 0.1],
                [width * 1.1, base - 0.05],
                [width * 1.05, base + 0.01],
                [width * 0.7, base + 0.025],
            ]
        ) * (side, 1)
        brush.line(wing, mix(skin, fold, 0.55 + 0.4 * flare), 0.022, _BUMP)
        hole = ellipse(
            side * width * 0.5,
            base + 0.012,
            0.042 + 0.025 * flare,
            0.018 + 0.022 * flare + 0.008 * wrinkle,
            10,
        )
        brush.fill(hole, shade(person.skin, 0.25), _BUMP)
    tip = np.array(
        [[-0.04, base + 0.03], [0, base + 0.045], [0.04, base + 0.03]]
    )
    brush.line(tip, mix(skin, fold, 0.6), 0.018, _BUMP)
    shine = ellipse(-0.01, base - 0.08, 0.035, 0.04, 10)
    brush.fill(shine, mix(skin, (255.0, 250.0, 245.0), 0.3), _BUMP)
    _draw_wrinkles(brush, person, wrinkle, top)
    _draw_folds_to_mouth(brush, person, units, width, base)


def draw_forehead(brush: Brush, person: Identity, units: np.ndarray) -> None:
    """Draw the lines that raised or knitted brows fold."""
    inner, outer, lower = (
        units[INDEX[name]] for name in ('AU1', 'AU2', 'AU4')
    )
    skin, fold = person.skin, shade(person.skin, 0.5)
    height = person.eye_height - person.brow_gap
    across = np.linspace(-1, 1, 9)
    raised = person.wrinkles * max(inner, outer)
    if raised > 0.15:
        colour = mix(skin, fold, raised * 0.9)
        reach = 0.24 + 0.26 * outer
        for step in (0.2, 0.28, 0.36):
            bow = -0.03 * outer * np.cos(across * np.pi / 2)
            line = np.stack(
                [across * reach, height - step - 0.04 * inner + bow], 1
            )
            brush.line(line, colour, 0.02)
    knitted = person.wrinkles * lower
    if knitted > 0.15:
        colour = mix(skin, fold, knitted * 1.1)
        for side in (-1, 1):
            furrow = np.array([[0.045, -0.1], [0.04, 0.0], [0.055, 0.11]])
            brush.line(furrow * (side, 1) + (0, height + 0.04), colour, 0.026)


def _draw_wrinkles(
    brush: Brush, person: Identity, wrinkle: float, top: float
) -> None:
    if wrinkle < 0.12:
        return
    skin, fold = person.skin, shade(person.skin, 0.5)
    colour = mix(skin, fold, wrinkle * (0.5 + 0.6 * person.wrinkles))
    for step, reach in ((-0.03, 0.08), (0.035, 0.1), (0.1, 0.11)):
        line = np.array([[-reach, 0.03], [0.0, -0.01], [reach, 0.03]])
        brush.line(line + np.array((0, top + step)), colour, 0.022, 0.08)
    for side in (-1, 1):  # and down along the sides of the bridge
        line = np.array([[0.09, 0.06], [0.15, 0.13]]) * (side, 1)
        brush.line(line + np.array((0, top + 0.04)), colour, 0.022, 0.06)


def _draw_folds_to_mouth(
    brush: Brush,
    person: Identity,
    units: np.ndarray,
    width: float,
    base: float,
) -> None:
    skin, fold = person.skin, shade(person.skin, 0.5)
    lip, wrinkle = units[INDEX['AU10']], units[INDEX['AU9']]
    for side, name in ((-1, 'AU12L'), (1, 'AU12R')):
        smile = units[INDEX[name]]
        share = max(0.9 * smile, lip, 0.7 * wrinkle)
        share = 0.12 + 0.8 * person.wrinkles * share
        bend = np.array(
            [
                [width * 1.25, base - 0.06 - 0.05 * lip],
                [0.29 + 0.06 * smile, base + 0.1 - 0.03 * smile],
                [0.34 + 0.11 * smile, person.mouth_height - 0.06 * smile],
            ]
        ) * (side, 1)
        brush.line(bend, mix(skin, fold, share), 0.026)
