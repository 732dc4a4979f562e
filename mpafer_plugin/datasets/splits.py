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

    Images are drawn by a hash of seed and key, not by a random generator:
    the share is the same on every machine and under every version of numpy,
    and does not depend on the order of the lines.

    Args:
        samples (Sequence[Sample]): All training samples.
        val_fraction (float): Share of each class to hold out, in [0, 1),
            rounded to whole images (half up).
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


def choose_subset(
    samples: Sequence[Sample],
    num: int | None = None,
    per_class: int | None = None,
    seed: int = 0,
) -> list[Sample]:
    """Choose a part of a split, the same on every machine.

    As in :func:`stratified_split`, a hash of seed and key draws the images.
    Of each class, fewer images of the same seed lie within more of them.

    Args:
        samples (Sequence[Sample]): The split.
        num (int, optional): How many altogether, the classes in the
            proportion that they have in the split, rounded so that the sum is
            ``num``. Defaults to None.
        per_class (int, optional): How many of each class; fewer where a class
            has fewer. Defaults to None.
        seed (int): Another seed chooses others. Defaults to 0.

    Returns:
        list[Sample]: The chosen ones, in the order of ``samples``.

    Raises:
        ValueError: If not exactly one of ``num`` and ``per_class`` is given,
            it is not positive, or the split has fewer than ``num``.
    """
    if (num is None) == (per_class is None):
        raise ValueError(
            f'subset takes either num or per_class, not num={num!r} and '
            f'per_class={per_class!r}'
        )
    by_label = defaultdict(list)
    for sample in samples:
        by_label[sample.label].append(sample.key)
    sizes = {label: len(keys) for label, keys in by_label.items()}
    if num is not None:
        if not 0 < num <= len(samples):
            raise ValueError(
                f'subset: num={num!r} is not in 1 to {len(samples)}, the '
                'images of the split'
            )
        sizes = _proportional(sizes, num)
    elif per_class is not None:
        if per_class < 1:
            raise ValueError(
                f'subset: per_class={per_class!r} is not positive'
            )
        sizes = dict.fromkeys(sizes, per_class)
    chosen = set()
    for label, keys in by_label.items():
        keys.sort(key=lambda key: _rank(seed, key))
        chosen.update(keys[: sizes[label]])
    return [sample for sample in samples if sample.key in chosen]


def _rank(seed: int, key: str) -> bytes:
    return hashlib.sha256(f'subset {seed} {key}'.encode()).digest()


def _proportional(sizes: dict[str, int], num: int) -> dict[str, int]:
    """Shares of ``num`` by largest remainder, each at least rounded down."""
    total = sum(sizes.values())
    shares = {label: size * num // total for label, size in sizes.items()}
    by_remainder = sorted(
        sizes, key=lambda label: (-(sizes[label] * num % total), label)
    )
    for label in by_remainder[: num - sum(shares.values())]:
        shares[label] += 1
    return shares
