import hashlib
from collections import defaultdict
from collections.abc import Sequence

from .annotations import Sample


def check_fraction(val_fraction: float) -> None:
    """Refuse a share that leaves nothing to train on.

    Args:
        val_fraction (float): The share to hold out.

    Raises:
        ValueError: If it is not in [0, 1).
    """
    if not 0 <= val_fraction < 1:
        raise ValueError(
            f'val_fraction is {val_fraction!r}; it must be at least 0 and '
            'below 1'
        )


def stratified_split(
    samples: Sequence[Sample], val_fraction: float, val_seed: int
) -> tuple[list[Sample], list[Sample]]:
    """Hold out the same share of every class.

    Pictures are drawn by a hash of seed and key, not by a random generator:
    the share is the same on every machine and under every version of numpy,
    and does not depend on the order of the lines.

    Args:
        samples (Sequence[Sample]): All training samples.
        val_fraction (float): Share of each class to hold out, in [0, 1),
            rounded to whole pictures (half up).
        val_seed (int): Another seed gives another share.

    Returns:
        tuple[list[Sample], list[Sample]]: What is left to train on and what
        is held out, each in the order of ``samples``.
    """
    check_fraction(val_fraction)
    by_label = defaultdict(list)
    for sample in samples:
        by_label[sample.label].append(sample.key)
    held_out = set()
    for keys in by_label.values():
        keys.sort(
            key=lambda key: hashlib.sha256(
                f'{val_seed} {key}'.encode()
            ).digest()
        )
        held_out.update(keys[: int(len(keys) * val_fraction + 0.5)])
    train = [sample for sample in samples if sample.key not in held_out]
    val = [sample for sample in samples if sample.key in held_out]
    return train, val
