"""Classes that are left out, merged or renamed, in data and text at once."""

import difflib
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from mpafer_plugin.utils.quoting import quote

from .annotations import Sample
from .categories import (
    COMPOUND_EXPRESSIONS,
    EXPRESSIONS,
    canonical_name,
    canonical_names,
)

Merge = Mapping[str, str | Sequence[str]]
"""New name to the names of the classes that it takes the place of."""

_COMPARED = 20  # labels of no class that are compared with all classes


def read_merge(merge: Merge | None) -> dict[str, str]:
    """Return the new name of each class that is merged or renamed.

    Args:
        merge (Mapping, optional): ``{'negative': ['anger', 'fear']}``.

    Returns:
        dict[str, str]: Canonical name of each member to the new name.

    Raises:
        ValueError: If a name has no members, or a class stands twice.
    """
    renamed: dict[str, str] = {}
    for new, members in (merge or {}).items():
        members = [members] if isinstance(members, str) else members
        if not members:
            raise ValueError(f'merge: {quote(new)} has no classes to merge')
        for member in members:
            other = renamed.setdefault(canonical_name(member), new)
            if other != new:
                raise ValueError(
                    f'merge: {member!r} goes to {other!r} and to {new!r}'
                )
    for new in merge or {}:
        other = renamed.get(canonical_name(new), new)
        if other != new:
            raise ValueError(
                f'merge: {new!r} is a new name, and goes to {other!r} itself'
            )
    return renamed


def merge_classes(
    classes: Iterable[str], merge: Merge | None
) -> tuple[str, ...]:
    """Return the classes after merging, each in the place of its first.

    Merged classes stay as they are, so that it may be done twice.
    """
    if not merge:
        return tuple(classes)
    renamed = read_merge(merge)
    found = [renamed.get(canonical_name(name), name) for name in classes]
    return tuple(dict.fromkeys(found))


def label_targets(
    labels: Mapping[str, str], classes: Sequence[str], merge: Merge | None
) -> dict[str, str | None]:
    """Find the class of each label of a dataset.

    Args:
        labels (Mapping[str, str]): Canonical names of all labels, each to the
            place where it was found, or ''.
        classes (Sequence[str]): The classes after merging.
        merge (Mapping, optional): See :func:`read_merge`.

    Returns:
        dict[str, str | None]: Label to the canonical name of its class; None
        if its images are left out.

    Raises:
        ValueError: If ``merge`` names no label or takes the name of another
            one; if no label is a class; or if a label would be left out while
            a class is no label, as of a misspelt name, or is spelt almost so.
    """
    renamed = read_merge(merge)
    unknown = [name for name in renamed if name not in labels]
    unknown = [name for name in unknown if name not in EXPRESSIONS]
    if unknown:
        raise ValueError(
            f'merge: {quote(unknown)} are no labels of the data; these are '
            f'{quote(sorted(labels))}'
        )
    for new in merge or {}:
        name = canonical_name(new)
        if name in labels and name not in renamed:
            raise ValueError(
                f'merge: {new!r} is a label of the data already; list it '
                'among the classes that it takes the place of'
            )
    known = {*canonical_names(classes)}
    named = {name: canonical_name(renamed.get(name, name)) for name in labels}
    left_out = [name for name in labels if named[name] not in known]
    absent = known.difference(
        named.values(), EXPRESSIONS, COMPOUND_EXPRESSIONS
    )
    if left_out and (absent or len(left_out) == len(labels)):
        first = left_out[0]
        hint = f'no label is {quote(sorted(absent))}: are these misspelt?'
        if len(left_out) == len(labels):
            hint = (
                'none of them is a class, and labels are matched by name, '
                'never by position'
            )
        folded = {name.casefold(): name for name in absent}
        for name in left_out[:_COMPARED]:
            close = difflib.get_close_matches(name.casefold(), folded, 1)
            if close:
                first, hint = name, f'did you mean {folded[close[0]]!r}?'
                break
        where = f'{labels[first]}: ' if labels[first] else ''
        raise ValueError(
            f'{where}{quote(first)} is not among the classes '
            f'{quote([*classes])}; the labels here are '
            f'{quote(sorted(labels))}; {hint}'
        )
    spelt = {_letters(name): name for name in classes}
    for name in left_out:
        similar = spelt.get(_letters(name))
        if similar is not None:
            where = f'{labels[name]}: ' if labels[name] else ''
            raise ValueError(
                f'{where}{quote(name)} and the class {quote(similar)} differ '
                'in case or separators only: spell them alike, or '
                f'merge={quote({similar: [similar, name]})}'
            )
    return {n: c if c in known else None for n, c in named.items()}


def _letters(name: str) -> str:
    """Return a name without case and separators."""
    return re.sub(r'[\s_-]', '', name).casefold()


def relabel(
    samples: Sequence[Sample], targets: Mapping[str, str | None]
) -> tuple[list[Sample], str]:
    """Give samples the names of their classes, and leave out the others.

    Shares of merged classes are added; the label of a sample with shares is
    then the class with the largest. The shares of classes that are left out
    are given to the others in proportion.

    Args:
        samples (Sequence[Sample]): All samples of a part.
        targets (Mapping[str, str | None]): See :func:`label_targets`.

    Returns:
        tuple[list[Sample], str]: The samples that are left, and a clause with
        the merged classes and the number of those left out; '' if all labels
        are classes.

    Raises:
        ValueError: If a label is not in ``targets``.
    """
    for sample in samples:
        shares = sample.score or {}
        for name in (sample.label, *(n for n in shares if shares[n])):
            if name not in targets:
                raise ValueError(
                    f'{sample.where}: the label {quote(name)} is not among '
                    f'{quote([*targets])}'
                )
    merged: dict[str, list[str]] = {}
    for label, target in targets.items():
        if target is not None and target != label:
            merged.setdefault(target, []).append(label)
    if not merged and None not in targets.values():
        return list(samples), ''
    kept = []
    left_out: Counter[str] = Counter()
    for sample in samples:
        new, score = targets[sample.label], sample.score
        if score is not None:
            new, score = _merge_shares(score, targets)
        if new is None:
            left_out[sample.label] += 1
        else:
            kept.append(sample._replace(label=new, score=score))
    text = ''.join(
        f'; {target} is {" + ".join(labels)}'
        for target, labels in merged.items()
    )
    if None in targets.values():
        counts = [
            f'{left_out[name]} {name}'
            for name, target in targets.items()
            if target is None
        ]
        text += f'; left out, as not among the classes: {", ".join(counts)}'
    return kept, text


def merge_counts(
    counts: Mapping[str, int], targets: Mapping[str, str | None]
) -> Counter[str]:
    """Add the counts of the labels of each class, see label_targets()."""
    merged: Counter[str] = Counter()
    for label, number in counts.items():
        name = targets.get(label, label)
        if name is not None:
            merged[name] += number
    return merged


def _merge_shares(
    score: Mapping[str, float], targets: Mapping[str, str | None]
) -> tuple[str | None, dict[str, float]]:
    """Return the class with the largest share, and the shares of classes."""
    shares: Counter[str | None] = Counter()
    for name, share in score.items():
        shares[targets.get(name)] += share  # type: ignore[assignment]
    label = max(shares, key=shares.__getitem__)
    rest = sum(share for name, share in shares.items() if name is not None)
    return label, {n: x / rest for n, x in shares.items() if n and rest}
