"""Check of a dataset copy: files, images, counts and duplicates."""

from collections import Counter
from collections.abc import Mapping, Sequence
from multiprocessing.pool import ThreadPool
from typing import Any

import numpy as np
from rich.progress import track

from ..annotations import Sample
from ..data_root import DataRoot
from .image_facts import ImageFacts, duplicate_groups, image_facts
from .official_parts import OfficialPart
from .report import PartReport, Report

_THREADS = 8  # decoding and network disks release the interpreter lock


def verify(parts: Sequence[OfficialPart]) -> Report:
    """Decode all images of the parts and compare them.

    Args:
        parts (Sequence[OfficialPart]): The annotations.

    Returns:
        Report: The findings.
    """
    # A file that several parts list is one image, not a duplicate.
    files: dict[tuple[str, str], tuple[DataRoot, Sample]] = {}
    splits: dict[tuple[str, str], list[str]] = {}
    for part in parts:
        root = part.dataset.root
        absent = {sample.path for sample in part.absent}
        for sample in part.samples:
            if sample.path not in absent:
                files.setdefault((root.path, sample.path), (root, sample))
        for split, samples in part.splits.items():
            for sample in samples:
                key = root.path, sample.path
                splits.setdefault(key, []).append(split)
    with ThreadPool(_THREADS) as pool:
        found = pool.imap(_facts, files.values(), chunksize=16)
        facts = dict(
            zip(files, track(found, 'decoding', len(files)), strict=True)
        )
    groups = duplicate_groups(
        (key, fact.digest)
        for key, fact in facts.items()
        if isinstance(fact, ImageFacts) and key in splits
    )
    shared = [
        key
        for key, names in splits.items()
        # A config that selects the epoch on the test split says so.
        if len(set(names)) > 1 and set(names) != {'val', 'test'}
    ]
    leaks = [path for root, path in shared if 'test' in splits[root, path]]
    duplicates = []
    for group in groups:
        # Copies among test images alone are no leak, even if the epoch is
        # selected on the test split.
        if any('test' not in splits[key] for key in group):
            leaks += [key[1] for key in group if 'test' in splits[key]]
        images = [
            dict(_to_dict(files[key][1]), splits=splits[key]) for key in group
        ]
        duplicates.append(
            dict(
                splits=sorted({s for key in group for s in splits[key]}),
                contradicting=len({p['label'] for p in images}) > 1,
                pictures=images,
            )
        )
    return Report(
        [_report(p, facts) for p in parts],
        duplicates,
        shared=[path for _, path in shared],
        leaks=list(dict.fromkeys(leaks)),
    )


def _facts(file: tuple[DataRoot, Sample]) -> ImageFacts | str:
    """Return the properties of an image, or why it cannot be decoded."""
    root, sample = file
    try:
        return image_facts(root.read(sample.path))
    except (ValueError, OSError) as error:
        return str(error)


def _to_dict(sample: Sample) -> dict[str, Any]:
    return dict(path=sample.path, label=sample.label, where=sample.where)


def _report(
    part: OfficialPart, facts: Mapping[tuple[str, str], ImageFacts | str]
) -> PartReport:
    dataset = part.dataset
    rules = dataset.describe()
    expected = dataset.published_counts() if part.samples else None
    report = PartReport(
        name=part.name,
        data_root=dataset.root.path,
        splits={
            split: dict(
                pictures=len(samples),
                rule='; '.join(
                    each.describe()['split_rule']
                    for name, each in part.datasets
                    if name == split
                ),
            )
            for split, samples in part.splits.items()
        },
        label_rule=rules['label_rule'],
        crop=rules['crop'],
        classes=list(dataset.CLASSES),
        pictures=len(part.samples),
        counts=dict(part.counts),
        expected=None if expected is None else dict(expected),
        expected_source=dataset.COUNTS_SOURCE,
        errors=part.errors,
        missing=[_to_dict(sample) for sample in part.absent],
    )
    readable = []
    absent = {sample.path for sample in part.absent}
    for sample in part.samples:
        if sample.path in absent:
            continue
        fact = facts[dataset.root.path, sample.path]
        if isinstance(fact, str):
            report.unreadable.append(dict(_to_dict(sample), reason=fact))
        else:
            readable.append(fact)
    if readable:
        report.sizes = _sizes(readable)
    report.grey = sum(fact.grey for fact in readable)
    report.colour = len(readable) - report.grey
    return report


def _sizes(facts: list[ImageFacts]) -> dict[str, Any]:
    """Summarize widths and heights in pixels."""
    sizes = Counter(f'{fact.width} x {fact.height}' for fact in facts)
    sides = dict(
        width=[fact.width for fact in facts],
        height=[fact.height for fact in facts],
    )
    summary = {
        side: dict(
            min=min(values), median=float(np.median(values)), max=max(values)
        )
        for side, values in sides.items()
    }
    return dict(
        distinct=len(sizes), most_common=sizes.most_common(5), **summary
    )
