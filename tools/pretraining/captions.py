"""Captions of action units in physical words, for pre-training only.

They contain no name of an expression, which a test checks. The wording is
that of descriptions of expressions, for active muscles.
"""

import numpy as np

from mpafer_plugin.datasets.synthetic.action_units import ACTION_UNITS, INDEX

# Action units, and phrases for faces on which all of them are active.
_SEEN: tuple[tuple[str, tuple[str, ...]], ...] = (
    ('AU1', (
        'inner brows raised', 'the inner ends of the brows lifted',
        'inner ends of the brows drawn up', 'brows slanted up in the middle',
        'wrinkles in the middle of the forehead',
    )),
    ('AU2', (
        'outer brows raised', 'the outer ends of the brows lifted',
        'brows arched at their outer ends',
    )),
    ('AU1 AU2', (
        'both brows raised high and curved', 'raised eyebrows',
        'brows raised', 'horizontal wrinkles across the forehead',
        'brows lifted high', 'brows raised and curved',
    )),
    ('AU4', (
        'brows lowered and pulled together', 'lowered brows',
        'brows drawn together', 'vertical furrows between the brows',
        'brows lowered and knitted in the middle', 'brows pulled down',
        'furrows between them',
    )),
    ('AU1 AU4', (
        'inner brows raised and drawn together',
        'inner ends of the brows drawn up and together',
        'inner brows drawn steeply up and together',
        'brows drawn together with their inner ends lifted',
    )),
    ('AU5', (
        'upper eyelids raised', 'eyes wide open', 'a fixed wide stare',
        'eyes wide open with white showing above the iris',
        'white showing around the iris', 'very wide eyes', 'bulging eyes',
    )),
    ('AU6', (
        'cheeks raised', 'cheeks raised and rounded', 'lifted cheeks',
        "crow's feet beside narrowed eyes", 'lower eyelids pushed up',
        'bulging cheeks',
    )),
    ('AU7', (
        'eyelids tightened', 'narrowed eyes', 'tense lower eyelids',
        'tightened eyelids', 'squinting eyes', 'lower eyelids tense',
    )),
    ('AU4 AU7', ('a hard glare under tightened eyelids', 'a hard stare')),
    ('AU5 AU7', ('upper eyelids raised and lower eyelids tense',)),
    ('AU9', (
        'a wrinkled nose', 'a wrinkled nose bridge', 'nose wrinkled',
        'wrinkles along the nose', 'lifted nostrils',
    )),
    ('AU10', (
        'the upper lip raised', 'upper lip lifted', 'a raised upper lip',
        'deep folds from nose to mouth corners',
    )),
    ('AU9 AU38', ('flared and lifted nostrils',)),
    ('AU12L AU12R', (
        'mouth corners pulled up and back', 'mouth corners pulled up',
        'lip corners raised', 'mouth corners lifted', 'lips curved upwards',
    )),
    ('AU14L AU14R', (
        'dimpled cheeks', 'lip corners tightened inwards',
        'dimples beside the mouth', 'mouth corners tightened',
    )),
    ('AU15', (
        'mouth corners turned down', 'lip corners pulled down',
        'mouth corners pulled down', 'drooping mouth corners',
    )),
    ('AU17', (
        'the chin pushed up', 'chin raised', 'the chin bunched up',
        'the lower lip slightly protruding', 'lower lip pressed up',
    )),
    ('AU20', (
        'lips stretched sideways', 'lips stretched sideways towards the ears',
        'mouth stretched wide', 'mouth corners drawn back',
    )),
    ('AU23', (
        'lips pressed thin', 'lips tightened', 'lips pressed together',
        'thin pressed lips', 'a tense jaw', 'the jaw clenched',
    )),
    ('AU25', (
        'lips parted', 'lips slightly parted', 'teeth showing',
        'lips parted over the upper teeth', 'mouth open',
    )),
    ('AU26', (
        'the jaw dropped', 'jaw dropped', 'mouth wide open',
        'the jaw dropped and the lips parted in a loose oval',
        'the jaw dropped and the mouth open', 'the jaw slightly dropped',
    )),
    ('AU20 AU25', (
        'lips stretched sideways and parted over tense teeth',
        'mouth open and squared', 'lips squared open over clenched teeth',
    )),
    ('AU38', ('flared nostrils', 'nostrils widened', 'flared open nostrils')),
    ('AU43', (
        'drooping upper eyelids', 'half-closed eyes', 'heavy eyelids',
        'eyelids lowered', 'slightly lowered eyelids',
    )),
    ('AU64', ('a lowered gaze', 'eyes looking down', 'gaze cast down')),
)  # fmt: skip

# The same for faces on which all of them are at rest.
_REST: tuple[tuple[str, tuple[str, ...]], ...] = (
    ('AU1 AU2 AU4', (
        'relaxed level brows', 'brows level', 'a smooth forehead',
        'relaxed brows',
    )),
    ('AU5 AU7 AU43', (
        'eyelids open at their resting height', 'eyes open normally',
        'relaxed eyelids',
    )),
    ('AU6', ('flat unlifted cheeks', 'flat cheeks')),
    ('AU9 AU38', ('a smooth nose', 'nostrils at rest')),
    ('AU12L AU12R AU15', (
        'mouth corners neither raised nor lowered', 'a level mouth',
    )),
    ('AU23 AU25 AU26', ('closed relaxed lips', 'mouth closed')),
    ('AU26', ('a loose jaw', 'the jaw at rest')),
)  # fmt: skip

# Units on one side of the mouth only: the active one and the one at rest.
_ONE_SIDED: tuple[tuple[str, str, tuple[str, ...]], ...] = tuple(
    (f'{unit}{here}', f'{unit}{there}', phrases)
    for unit, phrases in (
        ('AU12', (
            'one mouth corner raised on one side only',
            'one lip corner pulled up', 'closed asymmetrical lips',
        )),
        ('AU14', (
            'one mouth corner tightened', 'a dimple in that cheek',
            'a dimple in one cheek',
        )),
    )
    for here, there in ('LR', 'RL')
)  # fmt: skip

TEMPLATES = (
    '{}', 'a face with {}', 'a photo of a face with {}', '{} .',
    'a photo of a person with {}', 'a person making a face: {}',
    'a photo of a person making a facial expression, with {}',
)  # fmt: skip
"""Sentences that phrases are inserted into."""

_ON, _OFF = 0.25, 0.12  # above: active; below: at rest
_WEAK, _STRONG = 0.4, 0.75


def _indices(names: str) -> list[int]:
    return [INDEX[name] for name in names.split()]


def _applicable(
    units: np.ndarray,
) -> list[tuple[tuple[str, ...], list[int], str]]:
    """List (phrases, units described, kind) that hold for a face."""
    found = []
    for names, phrases in _SEEN:
        place = _indices(names)
        if units[place].min() > _ON:
            found.append((phrases, place, 'active'))
    for here, there, phrases in _ONE_SIDED:
        if units[INDEX[here]] > _ON and units[INDEX[there]] < _OFF:
            place = [INDEX[here], INDEX[there]]
            found.append((phrases, place, 'active'))
    for names, phrases in _REST:
        place = _indices(names)
        if units[place].max() < _OFF:
            found.append((phrases, place, 'rest'))
    return found


def caption(
    rng: np.random.Generator, units: np.ndarray
) -> tuple[str, np.ndarray]:
    """Describe some action units of a face.

    Args:
        rng (np.random.Generator): Source of randomness.
        units (np.ndarray): Action units (21, ).

    Returns:
        tuple[str, np.ndarray]: The text, phrases separated by commas, and a
        mask of the units it describes, bool (21, ).
    """
    found = _applicable(units)
    mentioned = np.zeros(len(ACTION_UNITS), bool)
    # Active units are described more often than those at rest.
    weight = np.array([1.0 if k == 'active' else 0.3 for *_, k in found])
    if not len(weight):
        return 'a face', mentioned
    count = min(int(rng.integers(1, 4)), len(found))
    chosen = rng.choice(
        len(found), count, replace=False, p=weight / weight.sum()
    )
    words = []
    for number in chosen:
        phrases, place, kind = found[number]
        words.append(_inflect(rng, phrases, units[place].mean(), kind))
        mentioned[place] = True
    template = TEMPLATES[rng.integers(len(TEMPLATES))]
    return template.format(', '.join(words)), mentioned


def _inflect(
    rng: np.random.Generator,
    phrases: tuple[str, ...],
    intensity: float,
    kind: str,
) -> str:
    phrase = phrases[rng.integers(len(phrases))]
    if kind == 'active' and rng.random() < 0.4:
        if intensity < _WEAK:
            return f'{phrase} slightly'
        if intensity > _STRONG:
            return f'{phrase} strongly'
    return phrase
