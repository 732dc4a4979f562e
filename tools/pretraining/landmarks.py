import numpy as np

from mpafer_plugin.datasets.synthetic.action_units import ACTION_UNITS
from mpafer_plugin.datasets.synthetic.brush import Brush
from mpafer_plugin.datasets.synthetic.eyes import brow, lids
from mpafer_plugin.datasets.synthetic.head import face_outline
from mpafer_plugin.datasets.synthetic.identity import Identity
from mpafer_plugin.datasets.synthetic.mouth import shape_mouth
from mpafer_plugin.datasets.synthetic.nuisance import Nuisance

LANDMARKS = (
    'brow_inner_L', 'brow_arch_L', 'brow_outer_L',
    'brow_inner_R', 'brow_arch_R', 'brow_outer_R',
    'lid_inner_L', 'lid_upper_L', 'lid_outer_L', 'lid_lower_L',
    'lid_inner_R', 'lid_upper_R', 'lid_outer_R', 'lid_lower_R',
    'forehead', 'nose_root', 'wing_L', 'wing_R', 'cheek_L', 'cheek_R',
    'corner_L', 'corner_R', 'lip_upper', 'gap_upper', 'gap_lower',
    'lip_lower', 'chin',
)  # fmt: skip
"""Names of the facial landmarks; L and R are the image's sides."""

_WHERE = {
    'AU1': ('brow_inner', 'forehead'),
    'AU2': ('brow_outer', 'brow_arch', 'forehead'),
    'AU4': ('brow_inner', 'nose_root'),
    'AU5': ('lid_upper',),
    'AU6': ('lid_lower', 'lid_outer', 'cheek'),
    'AU7': ('lid_upper', 'lid_lower'),
    'AU9': ('nose_root', 'wing'),
    'AU10': ('lip_upper', 'wing'),
    'AU12L': ('corner_L', 'cheek_L'),
    'AU12R': ('corner_R', 'cheek_R'),
    'AU14L': ('corner_L',),
    'AU14R': ('corner_R',),
    'AU15': ('corner',),
    'AU17': ('lip_lower', 'chin'),
    'AU20': ('corner', 'gap_lower'),
    'AU23': ('lip_upper', 'lip_lower'),
    'AU25': ('gap_upper', 'gap_lower'),
    'AU26': ('gap_lower', 'chin'),
    'AU38': ('wing',),
    'AU43': ('lid_upper',),
    'AU64': ('lid_upper', 'lid_lower'),
}

SEEN_AT = np.array(
    [
        [point.startswith(_WHERE[unit]) for point in LANDMARKS]
        for unit in ACTION_UNITS
    ]
)
"""Landmarks at which an action unit is visible, bool (21, 27)."""


def face_landmarks(
    person: Identity, units: np.ndarray, nuisance: Nuisance
) -> np.ndarray:
    """Compute the landmarks of a drawn face.

    Args:
        person (Identity): The person.
        units (np.ndarray): Action units (21, ).
        nuisance (Nuisance): Pose of the head.

    Returns:
        np.ndarray: (27, 2), x and y as shares of the image's side, in the
        order of :data:`LANDMARKS`; outside 0 to 1 where cut off.
    """
    points = [*brow(person, units, -1), *brow(person, units, 1)]
    for side in (-1, 1):
        upper, lower = lids(person, units, side)
        points += [upper[0], upper[5], upper[-1], lower[5]]
    mouth = shape_mouth(person, units)
    jaw = units[ACTION_UNITS.index('AU26')]
    base = person.eye_height + person.nose_length
    points += [
        (0, person.eye_height - person.brow_gap - 0.28),
        (0, person.eye_height),
        (-person.nose_width, base),
        (person.nose_width, base),
        (-0.44, 0.16),
        (0.44, 0.16),
        mouth.upper_inner[0],
        mouth.upper_inner[-1],
        mouth.upper_outer[8],
        mouth.upper_inner[8],
        mouth.lower_inner[8],
        mouth.lower_outer[8],
        face_outline(person, jaw)[20],
    ]
    pose = Brush(np.empty((1, 1, 3), np.uint8), nuisance)
    return pose.project(np.array(points, dtype=float))
