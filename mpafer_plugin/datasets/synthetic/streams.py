import numpy as np

STREAMS = {'train': 0, 'test': 1, 'pretrain': 2}
"""Independent sources of people and of showings, by what they are for.

No person of one stream is ever met in another one: face-tiny is trained on
'pretrain' and tested on people it has not seen.
"""


def person_rng(seed: int, stream: str, person: int) -> np.random.Generator:
    """Return the source that person number ``person`` is drawn from."""
    return np.random.default_rng([seed, STREAMS[stream], 0, person])


def picture_rng(seed: int, stream: str, index: int) -> np.random.Generator:
    """Return the source that picture number ``index`` is drawn from."""
    return np.random.default_rng([seed, STREAMS[stream], 1, index])
