"""Reproducible choice of images: held-out shares and subsets."""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from mpafer_plugin.utils.quoting import quote

from .annotations import Sample
from .argument_types import fits


def hash_rank(seed: int | str, key: str) -> bytes:
    """Rank an image by a hash of seed and key.

    Unlike a random generator's, the order is the same on every machine, in
    every version of numpy, and in whatever order the images are listed.
    """
    # A file name need not be UTF-8.
    text = f'{seed} {key}'.encode(errors='surrogatepass')
    return hashlib.sha256(text).digest()


def stratified_split(
    samples: Sequence[Sample],
    val_fraction: float,
    val_seed: int,
    whole_groups: bool = False,
) -> tuple[list[Sample], list[Sample]]:
    """Hold out the same share of every class, drawn by :func:`hash_rank`.

    Args:
        samples (Sequence[Sample]): All training samples.
        val_fraction (float): Share of each class to hold out, in [0, 1),
            rounded to whole images (half up).
        val_seed (int): Seed of the draw.
        whole_groups (bool): Hold out whole groups. Taken in the order of the
            draw, each is held out that brings the counts of the classes
            closer to the share; at least one is. Defaults to False.

    Returns:
        tuple[list[Sample], list[Sample]]: Training and held-out samples, each
        in the order of ``samples``.

    Raises:
        ValueError: If all samples are of one group, and groups are wanted.
    """
    if whole_groups and val_fraction and samples:
        groups = _draw_groups(samples, val_fraction, val_seed)
        return (
            [sample for sample in samples if sample.group not in groups],
            [sample for sample in samples if sample.group in groups],
        )
    counts = Counter(sample.label for sample in samples)
    sizes = {c: int(n * val_fraction + 0.5) for c, n in counts.items()}
    held_out = _draw(samples, sizes, val_seed)
    train = [sample for sample in samples if sample.key not in held_out]
    val = [sample for sample in samples if sample.key in held_out]
    return train, val


def _draw_groups(
    samples: Sequence[Sample], val_fraction: float, val_seed: int
) -> set[str]:
    """Draw the groups to hold out."""
    members: dict[str, Counter[str]] = defaultdict(Counter)
    for sample in samples:
        members[sample.group][sample.label] += 1
    if len(members) == 1:
        raise ValueError(
            f'all {len(samples)} training images are of the one group '
            f'{samples[0].group!r}; none can be held out for validation'
        )
    counts = Counter(sample.label for sample in samples)

    def distance(held_out: Counter[str]) -> float:
        return sum(
            abs(n * val_fraction - held_out[c]) for c, n in counts.items()
        )

    held_out: Counter[str] = Counter()
    drawn = set()
    order = sorted(members, key=lambda group: hash_rank(val_seed, group))
    for group in order:
        if distance(held_out + members[group]) < distance(held_out):
            held_out += members[group]
            drawn.add(group)
    return drawn or {min(order, key=lambda group: distance(members[group]))}


def choose_subset(
    samples: Sequence[Sample],
    num: int | None = None,
    per_class: int | None = None,
    seed: int = 0,
) -> list[Sample]:
    """Choose a subset of a split, drawn by :func:`hash_rank`.

    With the same seed, a smaller subset of a class lies within a larger one.

    Args:
        samples (Sequence[Sample]): The split.
        num (int, optional): Number of images in all. Classes keep their
            proportions in the split, rounded so that the sum is ``num``.
            Defaults to None.
        per_class (int, optional): Number of images of each class; classes
            with fewer are taken whole. Defaults to None.
        seed (int): Seed of the draw. Defaults to 0.

    Returns:
        list[Sample]: The chosen samples, in the order of ``samples``.

    Raises:
        ValueError: If not exactly one of ``num`` and ``per_class`` is given,
            it is not positive, or the split has fewer than ``num`` images.
    """
    if (num is None) == (per_class is None):
        raise ValueError(
            f'subset takes either num or per_class, not num={num!r} and '
            f'per_class={per_class!r}'
        )
    sizes: dict[str, int] = Counter(sample.label for sample in samples)
    if num is not None:
        if not 0 < num <= len(samples):
            raise ValueError(
                f'subset: num={num!r} is not in 1 to {len(samples)}, the '
                'number of images in the split'
            )
        sizes = _proportional(sizes, num)
    elif per_class is not None:
        if per_class < 1:
            raise ValueError(f'subset: {per_class=} is not positive')
        sizes = dict.fromkeys(sizes, per_class)
    chosen = _draw(samples, sizes, f'subset {seed}')
    return [sample for sample in samples if sample.key in chosen]


def check_subset(subset: Mapping[str, Any]) -> None:
    """Check the arguments of :func:`choose_subset`.

    Raises:
        ValueError: If one is unknown or no integer.
    """
    for key, value in subset.items():
        if key not in ('num', 'per_class', 'seed') or not (
            fits(value, int | None)
        ):
            raise ValueError(
                f'subset: {quote(key)[1:-1]}={quote(value)}; it takes the '
                'integers num or per_class, and seed'
            )


def _draw(
    samples: Sequence[Sample], sizes: Mapping[str, int], seed: int | str
) -> set[str]:
    """Draw the given number of keys from each class."""
    by_label = defaultdict(list)
    for sample in samples:
        by_label[sample.label].append(sample.key)
    drawn: set[str] = set()
    for label, keys in by_label.items():
        keys.sort(key=lambda key: hash_rank(seed, key))
        drawn.update(keys[: sizes[label]])
    return drawn


def _proportional(sizes: Mapping[str, int], num: int) -> dict[str, int]:
    """Share out ``num`` by the largest-remainder method."""
    total = sum(sizes.values())
    shares = {label: size * num // total for label, size in sizes.items()}
    by_remainder = sorted(
        sizes, key=lambda label: (-(sizes[label] * num % total), label)
    )
    for label in by_remainder[: num - sum(shares.values())]:
        shares[label] += 1
    return shares
