"""Folds of a cross-validation, and the persons that they keep whole."""

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from mpafer_plugin.utils.quoting import quote

from .annotations import Sample
from .splits import hash_rank


@dataclass(frozen=True)
class Fold:
    """One fold of a cross-validation, the test images of its run.

    Args:
        number (int): Number of folds, at least 2.
        index (int): This fold, 0 to ``number - 1``.
        seed (int): Seed of the draw.

    Raises:
        ValueError: If a number is out of range, or only one is given.
    """

    number: int
    index: int
    seed: int

    @classmethod
    def of(
        cls, folds: int | None, fold: int | None, seed: int
    ) -> 'Fold | None':
        """Check a dataset's arguments; None without folds."""
        if folds is None and fold is None:
            return None
        if folds is None or folds < 2:
            raise ValueError(
                f'{folds=} with {fold=}: it is the number of folds, at least 2'
            )
        if fold is None or not 0 <= fold < folds:
            raise ValueError(
                f'{fold=} with {folds=}: it must be in 0 to {folds - 1}'
            )
        return cls(folds, fold, seed)

    def split(
        self, samples: Sequence[Sample], whole_groups: bool
    ) -> tuple[list[Sample], list[Sample]]:
        """Return the samples outside and inside of the fold, in order."""
        folds = assign_folds(samples, self.number, self.seed, whole_groups)
        pairs = list(zip(samples, folds, strict=True))
        return (
            [sample for sample, fold in pairs if fold != self.index],
            [sample for sample, fold in pairs if fold == self.index],
        )

    def __str__(self) -> str:
        return f'fold {self.index} of {self.number} (fold_seed={self.seed})'


def assign_folds(
    samples: Sequence[Sample], number: int, seed: int, whole_groups: bool
) -> list[int]:
    """Deal samples into folds with about the same share of every class.

    The largest groups first, and those of one size in the order of
    :func:`hash_rank`, each goes to the fold that has the least of its classes
    so far. Without groups it is a stratified deal of single images.

    Args:
        samples (Sequence[Sample]): All samples.
        number (int): Number of folds.
        seed (int): Seed of the draw.
        whole_groups (bool): Whether all images of a group, such as a person,
            are in one fold.

    Returns:
        list[int]: Fold of each sample, from 0.

    Raises:
        ValueError: If there are fewer groups, or images, than folds.
    """
    names = [s.group if whole_groups else s.key for s in samples]
    members: dict[str, Counter[str]] = defaultdict(Counter)
    for name, sample in zip(names, samples, strict=True):
        members[name][sample.label] += 1
    if len(members) < number:
        what = 'persons or other groups' if whole_groups else 'images'
        raise ValueError(
            f'folds={number}: there are only {len(members)} {what} to deal'
        )
    total = Counter(sample.label for sample in samples)
    held: list[Counter[str]] = [Counter() for _ in range(number)]
    sizes = [0] * number
    fold_of = {}
    order = sorted(
        members, key=lambda n: (-members[n].total(), hash_rank(seed, n))
    )
    for name in order:
        counts = members[name]

        def load(fold: int, counts: Counter[str] = counts) -> tuple:
            # The least growth of the sum of squared shares of all classes.
            share = sum(
                n * held[fold][c] / total[c] for c, n in counts.items()
            )
            return share, sizes[fold], fold

        fold = min(range(number), key=load)
        fold_of[name] = fold
        held[fold].update(counts)
        sizes[fold] += counts.total()
    return [fold_of[name] for name in names]


def name_subjects(
    samples: Sequence[Sample], pattern: str, required: bool
) -> list[Sample]:
    """Name the person of each image by a part of its path.

    Args:
        samples (Sequence[Sample]): Samples, whose groups are replaced.
        pattern (str): A regular expression, searched in the paths relative
            to the data root; what it matches, or its last group matches,
            names the person.
        required (bool): Whether it has to match in every path.

    Raises:
        ValueError: If the pattern is no regular expression, or matches
            nothing in a path.
    """
    try:
        search = re.compile(pattern).search
    except (re.error, RecursionError, OverflowError) as error:
        raise ValueError(
            f'subject={quote(pattern)} is no regular expression: '
            f'{quote(str(error))[1:-1]}'
        ) from error
    named = []
    for sample in samples:
        match = search(sample.path)
        name = (match[match.lastindex or 0] if match else '') or ''
        if required and not name:
            raise ValueError(
                f'{sample.where}: subject={quote(pattern)} matches nothing in '
                f'{quote(sample.path)}'
            )
        named.append(sample._replace(group=name))
    return named
