import numpy as np

ACTION_UNITS = (
    'AU1',  # inner brow raised
    'AU2',  # outer brow raised
    'AU4',  # brows lowered and drawn together
    'AU5',  # upper lid raised
    'AU6',  # cheeks raised
    'AU7',  # lids tightened
    'AU9',  # nose wrinkled
    'AU10',  # upper lip raised
    'AU12L',  # lip corner pulled up, image's left
    'AU12R',  # the same, image's right
    'AU14L',  # dimple, lip corner tightened, image's left
    'AU14R',  # the same, image's right
    'AU15',  # lip corners pulled down
    'AU17',  # chin raised
    'AU20',  # lips stretched sideways
    'AU23',  # lips tightened and pressed thin (with AU24)
    'AU25',  # lips parted
    'AU26',  # jaw dropped (1.0 is AU27, mouth stretched)
    'AU38',  # nostrils flared
    'AU43',  # upper lids drooping
    'AU64',  # gaze lowered
)
"""The action units that are drawn, by FACS number."""

INDEX = {name: index for index, name in enumerate(ACTION_UNITS)}
"""Unit -> index into a vector of intensities."""

# Probability of each unit in an expression. The units are those of EMFACS
# (Friesen and Ekman 1983) and its descendants; the numbers are ours. AU12
# and AU14 mean both sides, with 'one' either side.
PROTOTYPES: dict[str, dict[str, float]] = {
    'neutral': {},
    'happiness': {
        'AU6': 0.8, 'AU12': 0.97, 'AU25': 0.6, 'AU26': 0.25, 'AU7': 0.2,
        'AU2': 0.15,
    },
    'sadness': {
        'AU1': 0.85, 'AU4': 0.5, 'AU15': 0.8, 'AU17': 0.5, 'AU43': 0.5,
        'AU64': 0.45, 'AU20': 0.1, 'AU6': 0.15, 'AU25': 0.15,
    },
    'surprise': {
        'AU1': 0.9, 'AU2': 0.9, 'AU5': 0.75, 'AU25': 0.8, 'AU26': 0.8,
    },
    'fear': {
        'AU1': 0.85, 'AU2': 0.6, 'AU4': 0.75, 'AU5': 0.8, 'AU7': 0.35,
        'AU20': 0.8, 'AU25': 0.75, 'AU26': 0.4, 'AU38': 0.2,
    },
    'disgust': {
        'AU9': 0.85, 'AU10': 0.75, 'AU4': 0.5, 'AU6': 0.35, 'AU7': 0.4,
        'AU15': 0.3, 'AU17': 0.4, 'AU25': 0.35, 'AU38': 0.35,
    },
    'anger': {
        'AU4': 0.95, 'AU5': 0.45, 'AU7': 0.7, 'AU23': 0.75, 'AU17': 0.3,
        'AU10': 0.2, 'AU25': 0.3, 'AU38': 0.45, 'AU9': 0.1,
    },
    'contempt': {
        'AU14one': 0.85, 'AU12one': 0.75, 'AU43': 0.25, 'AU2': 0.1,
        'AU7': 0.15, 'AU17': 0.15,
    },
}  # fmt: skip

_STRAY_CHANCE = 0.08  # probability of a unit outside the prototype
_STRAY_MOST = 0.5  # its highest intensity
_CROSSTALK = 0.06  # standard deviation of the noise on every unit


def sample_expression(rng: np.random.Generator, expression: str) -> np.ndarray:
    """Sample the action units of one instance of an expression.

    Units of the prototype may be left out, others may be added, and all vary
    in intensity: as on real faces, some instances are weak or ambiguous.

    Args:
        rng (np.random.Generator): Source of randomness.
        expression (str): A key of :data:`PROTOTYPES`.

    Returns:
        np.ndarray: Intensities (21,), float64 from 0 to 1, in the order of
        :data:`ACTION_UNITS`.
    """
    units = np.abs(rng.normal(0, _CROSSTALK, len(ACTION_UNITS)))
    stray = rng.random(len(ACTION_UNITS)) < _STRAY_CHANCE
    strays = rng.uniform(0, _STRAY_MOST, len(ACTION_UNITS))
    units = np.where(stray, strays, units)
    for name in ('AU12', 'AU14'):  # mostly on both sides
        if rng.random() < 0.8:
            units[INDEX[name + 'R']] = units[INDEX[name + 'L']]

    strength = rng.uniform(0.5, 1.0)
    side = 'LR'[int(rng.integers(2))]
    for name, chance in PROTOTYPES[expression].items():
        if rng.random() > chance:
            continue
        intensity = strength * rng.uniform(0.5, 1.1)
        if name in INDEX:
            units[INDEX[name]] = max(units[INDEX[name]], intensity)
        elif name.endswith('one'):
            index = INDEX[name.removesuffix('one') + side]
            units[index] = max(units[index], intensity)
        else:
            for index in (INDEX[name + 'L'], INDEX[name + 'R']):
                units[index] = max(units[index], intensity)
                units[index] *= rng.uniform(0.85, 1.0)
    return np.clip(units, 0, 1)


def pick(units: np.ndarray, *names: str) -> np.ndarray:
    """Return the intensities of the named units."""
    return units[[INDEX[name] for name in names]]
