from dataclasses import dataclass

import numpy as np

from .action_units import INDEX
from .brush import Brush, ellipse, mix, shade
from .identity import Identity

_ACROSS = np.linspace(-1, 1, 17)
_INSIDE = (66.0, 20.0, 24.0)
_TEETH = (240.0, 236.0, 224.0)
_TONGUE = (176.0, 84.0, 88.0)
_CLOSED = 0.02  # a gap below this, in face units, is only a line


@dataclass(frozen=True)
class Mouth:
    """Four lines (17, 2) across the mouth, from above to below."""

    upper_outer: np.ndarray
    upper_inner: np.ndarray
    lower_inner: np.ndarray
    lower_outer: np.ndarray
    gap: float  # the opening's height at the middle, face units


def shape_mouth(person: Identity, units: np.ndarray) -> Mouth:
    """Let the action units move the lips.

    Args:
        person (Identity): Whose mouth.
        units (np.ndarray): Action units (21, ).

    Returns:
        Mouth: The lips' outlines in face units.
    """
    nose, lip, down, chin, stretch, tight, part, jaw = (
        units[INDEX[name]]
        for name in (
            'AU9', 'AU10', 'AU15', 'AU17', 'AU20', 'AU23', 'AU25', 'AU26',
        )
    )  # fmt: skip
    smile = units[[INDEX['AU12L'], INDEX['AU12R']]]
    dimple = units[[INDEX['AU14L'], INDEX['AU14R']]]
    width = person.mouth_width * (1 - 0.16 * jaw - 0.14 * tight - 0.1 * chin)
    reach = width + 0.12 * smile + 0.15 * stretch + 0.05 * dimple + 0.02 * down
    corner = person.mouth_curve + (
        -0.16 * smile - 0.05 * dimple + 0.15 * down + 0.05 * stretch
    )
    gap = (0.075 * part + 0.3 * jaw) * (1 - 0.55 * tight) * (1 - 0.4 * chin)
    middle = (
        person.mouth_height - 0.02 * smile.mean() - 0.05 * chin
        + 0.25 * corner.mean()
    )  # fmt: skip
    top = middle - 0.09 * lip - 0.03 * nose - 0.1 * gap
    bottom = max(top + gap * 0.97, middle - 0.035 * lip)
    if gap < _CLOSED:
        bottom = top

    left = np.clip(-_ACROSS, 0, 1)
    right = np.clip(_ACROSS, 0, 1)
    x = -left * reach[0] + right * reach[1]
    # stretched and raised lips open square, others like a lens
    power = 1.9 + 2.2 * stretch + 1.2 * lip
    lens = 1 - np.abs(_ACROSS) ** power
    ends = (
        person.mouth_height
        + 0.3 * (bottom - top)
        + np.where(_ACROSS < 0, corner[0], corner[1])
    )
    curve = np.abs(_ACROSS) ** 1.7
    sneer = 0.05 * lip * np.exp(-(((np.abs(_ACROSS) - 0.45) / 0.25) ** 2))

    def across(height: float, bulge: np.ndarray | float = 0.0) -> np.ndarray:
        return np.stack([x, height + (ends - height) * curve + bulge], 1)

    centre = (top + bottom) / 2
    half = (bottom - top) / 2
    thin = (1 - 0.75 * tight) * (1 - 0.3 * stretch)
    upper = person.upper_lip * thin * (1 - 0.3 * smile.mean())
    lower = person.lower_lip * thin * (1 + 0.35 * chin)
    bow = 1 - 0.3 * np.exp(-((_ACROSS / 0.16) ** 2))  # Cupid's
    round_lip = 1 - np.abs(_ACROSS) ** 2.5
    upper_inner = across(centre, -half * lens - sneer * (half > 0))
    lower_inner = across(centre, half * lens)
    rise = np.stack([0 * x, upper * round_lip * bow + 0.5 * sneer], 1)
    fall = np.stack([0 * x, lower * round_lip], 1)
    return Mouth(
        upper_outer=upper_inner - rise,
        upper_inner=upper_inner,
        lower_inner=lower_inner,
        lower_outer=lower_inner + fall,
        gap=bottom - top,
    )


def draw_mouth(brush: Brush, person: Identity, units: np.ndarray) -> None:
    """Draw lips, teeth and tongue, and the folds at corners and chin."""
    mouth = shape_mouth(person, units)
    fold = shade(person.skin, 0.5)
    _draw_folds(brush, person, units, mouth)
    if person.moustache:
        band = np.concatenate(
            [
                mouth.upper_outer - (0, 0.1),
                mouth.upper_outer[::-1] - (0, 0.005),
            ]
        )
        brush.fill(band, mix(person.skin, person.brow, 0.75))
    brush.fill(
        np.concatenate([mouth.upper_outer, mouth.upper_inner[::-1]]),
        shade(person.lips, 0.88),
    )
    brush.fill(
        np.concatenate([mouth.lower_inner, mouth.lower_outer[::-1]]),
        person.lips,
    )
    if mouth.gap >= _CLOSED:
        _draw_inside(brush, mouth)
    else:
        brush.line(mouth.upper_inner, shade(person.lips, 0.42), 0.022)
    rim = shade(fold, 0.95)
    for end in (mouth.upper_inner[:2], mouth.upper_inner[-2:]):
        brush.line(end, rim, 0.026)


def _draw_inside(brush: Brush, mouth: Mouth) -> None:
    top, bottom = mouth.upper_inner, mouth.lower_inner
    inside = np.concatenate([top, bottom[::-1]])
    brush.fill(inside, _INSIDE)
    if mouth.gap > 0.14:
        tongue = bottom[4:-4]
        up = tongue - (0, 0.28 * mouth.gap)
        brush.fill(np.concatenate([up, tongue[::-1]]), _TONGUE)
    # teeth are hidden by the lip until it has moved by a few millimetres
    share = min(0.62, 0.075 / mouth.gap)
    teeth = top[2:-2] + share * (bottom - top)[2:-2]
    brush.fill(np.concatenate([top[2:-2], teeth[::-1]]), _TEETH)


def _draw_folds(
    brush: Brush, person: Identity, units: np.ndarray, mouth: Mouth
) -> None:
    """Draw dimples, the shadow below the lip and the bunched chin."""
    skin, fold = person.skin, shade(person.skin, 0.5)
    for side, name, end in ((-1, 'AU14L', 0), (1, 'AU14R', -1)):
        dimple = units[INDEX[name]]
        if dimple > 0.12:
            x, y = mouth.upper_inner[end]
            bend = np.array(
                [[0.035, -0.09], [0.075, -0.01], [0.045, 0.08]]
            ) * (side, 1)
            brush.line(
                bend + np.array((x, y)), mix(skin, fold, dimple * 1.2), 0.032
            )
    corner = units[INDEX['AU15']]
    if corner > 0.12:
        for side, end in ((-1, 0), (1, -1)):
            bend = np.array([[0.01, 0.02], [0.05, 0.12]]) * (side, 1)
            brush.line(
                bend + mouth.upper_inner[end], mix(skin, fold, corner), 0.024
            )
    chin = units[INDEX['AU17']]
    x, y = mouth.lower_outer[8]
    shadow = np.array([[-0.13, 0.045], [0, 0.06 - 0.03 * chin], [0.13, 0.045]])
    brush.line(
        shadow + np.array((x, y)), mix(skin, fold, 0.3 + 0.6 * chin), 0.022
    )
    if chin > 0.15:
        colour = mix(skin, fold, chin * person.wrinkles)
        for dx, dy in (
            (-0.1, 0.13),
            (0.0, 0.15),
            (0.1, 0.13),
            (-0.05, 0.2),
            (0.06, 0.2),
        ):
            brush.fill(ellipse(x + dx, y + dy, 0.03, 0.018, 8), colour)
