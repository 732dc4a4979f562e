import cv2
import numpy as np

from .action_units import pick
from .brush import Brush, ellipse, fold, mix, place, shade
from .identity import Identity

_ALONG = np.linspace(0, 1, 11)
_BOW = np.sin(np.pi * _ALONG)
_WHITE = (238.0, 234.0, 230.0)
_DARK = (26.0, 20.0, 20.0)


def lids(
    person: Identity, units: np.ndarray, side: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return the upper and the lower lid of an eye, inner to outer corner.

    Args:
        person (Identity): The person.
        units (np.ndarray): Action units (21,).
        side (int): -1 for the image's left, 1 for its right.

    Returns:
        tuple[np.ndarray, np.ndarray]: Two lines (11, 2) in face units.
    """
    raiser, cheek, tight, nose, droop, down = pick(
        units, 'AU5', 'AU6', 'AU7', 'AU9', 'AU43', 'AU64'
    )
    x = side * (person.eye_distance + person.eye_width * (2 * _ALONG - 1))
    corner = person.eye_height + person.eye_tilt * (_ALONG - 0.5)
    rest = person.eye_opening
    closing = 0.25 * tight + 0.75 * droop + 0.3 * down + 0.15 * nose
    above = rest + 0.085 * raiser - rest * closing
    closing = 0.45 * cheek + 0.5 * tight + 0.3 * nose
    below = 0.62 * rest + 0.015 * raiser - rest * closing
    below = max(below, -0.8 * above)  # lids may touch, but never cross
    upper = np.stack([x, corner - above * _BOW**0.8], 1)
    lower = np.stack([x, corner + below * _BOW**0.9], 1)
    return upper, lower


def brow(person: Identity, units: np.ndarray, side: int) -> np.ndarray:
    """Return the middle line (3, 2) of a brow: inner end, arch, outer end."""
    inner, outer, lower, nose, lid = pick(
        units, 'AU1', 'AU2', 'AU4', 'AU9', 'AU5'
    )
    base = person.eye_height - person.brow_gap
    together = 0.055 * lower + 0.02 * inner * lower
    x = person.eye_distance + np.array([-0.23 - together, 0.02, 0.24])
    arch = -0.06 * inner - 0.11 * outer + 0.085 * lower
    y = base + np.array(
        [
            -0.15 * inner + 0.115 * lower + 0.04 * nose,
            arch - person.brow_arch - 0.02 * lid,
            person.brow_slope - 0.13 * outer + 0.035 * lower + 0.02,
        ]
    )
    return np.stack([side * x, y], 1)


def draw_eye(
    brush: Brush, person: Identity, units: np.ndarray, side: int, gaze: float
) -> None:
    """Draw white, iris, lids and folds of one eye."""
    upper, lower = lids(person, units, side)
    skin = person.skin
    droop, down = pick(units, 'AU43', 'AU64')
    lid = np.concatenate([upper - (0, 0.05), upper[::-1]])
    brush.fill(lid, shade(skin, 0.9 - 0.12 * droop))
    _draw_folds(brush, person, units, upper, lower, side)

    opening = np.concatenate([upper, lower[::-1]])
    mask = brush.mask(opening)
    before = brush.canvas.copy()
    brush.fill(opening, mix(_WHITE, skin, 0.12))
    x = side * person.eye_distance + 0.07 * gaze
    y = person.eye_height - 0.012 + 0.06 * down
    radius = person.iris_radius
    brush.fill(ellipse(x, y, radius, radius), person.iris)
    brush.fill(ellipse(x, y, radius * 0.48, radius * 0.48), _DARK)
    glint = ellipse(x - 0.025, y - 0.03, 0.02, 0.02, 8)
    brush.fill(glint, (250.0, 250.0, 250.0))
    # Restore the skin where the iris was painted over the lids.
    cv2.copyTo(before, 255 - mask, brush.canvas)

    brush.line(upper, mix(_DARK, skin, 0.1), 0.032)
    brush.line(lower, fold(skin, 0.8), 0.014)
    crease = upper[1:-1] - (0, 0.05 * (1 - 0.5 * droop))
    brush.line(crease, fold(skin, 0.45 + 0.2 * person.wrinkles), 0.014)


def draw_brow(
    brush: Brush, person: Identity, units: np.ndarray, side: int
) -> None:
    """Draw one brow, thick at its inner end."""
    ends = brow(person, units, side)
    t = _ALONG[:, None]
    # The parabola through inner end, arch and outer end.
    line = (
        ends[:1] * (2 * t - 1) * (t - 1)
        + ends[1:2] * 4 * t * (1 - t)
        + ends[2:] * t * (2 * t - 1)
    )
    half = person.brow_thickness * (0.65 - 0.5 * _ALONG**2)
    offset = np.stack([np.zeros_like(half), half], 1)
    shape = np.concatenate([line - offset, (line + offset)[::-1]])
    brush.fill(shape, person.brow)


def _draw_folds(
    brush: Brush,
    person: Identity,
    units: np.ndarray,
    upper: np.ndarray,
    lower: np.ndarray,
    side: int,
) -> None:
    """Draw the pouch below an eye and its crow's feet."""
    cheek, tight = pick(units, 'AU6', 'AU7')
    pouch = place(lower[1:-1], at=(0, 0.055 - 0.01 * cheek))
    share = person.wrinkles * max(0.9 * cheek, 0.5 * tight, 0.1)
    brush.line(pouch, fold(person.skin, share), 0.02)
    share = person.wrinkles * cheek
    if share > 0.15:
        for slope in (-0.6, 0.0, 0.6):
            step = np.array((side, slope))
            start = upper[-1] + step * 0.05
            end = start + step * 0.13
            brush.line([start, end], fold(person.skin, share), 0.018)
