"""Check of a dataset copy: files, images, counts and duplicates."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from multiprocessing.pool import ThreadPool
from typing import Any

import numpy as np
from rich.progress import track

from mpafer_plugin.faces import Face, FaceCrop

from ..annotations import Sample
from ..data_root import DataRoot
from .image_facts import ImageFacts, duplicate_groups, image_facts
from .official_parts import OfficialPart

_THREADS = 8  # decoding and network disks release the interpreter lock

_File = tuple[str, str]
"""Data root and path of an image."""


@dataclass
class PartReport:
    """Findings in an official part of a dataset.

    Attributes:
        name (str): The part, such as 'RAFDB train'.
        data_root (str): Its folder.
        splits (dict[str, dict]): Split to 'pictures' and 'rule'.
        label_rule (str): Rule by which an image gets its label.
        crop (str): Crop of the faces.
        classes (list[str]): The classes, in label order.
        pictures (int): Number of listed images (the key in the JSON file).
        counts (dict[str, int]): Images of each class, by canonical name.
        expected (dict[str, int], optional): Expected counts.
        expected_source (str): Source of the expected counts.
        unexpected_total (str): A clause, if only the total is published, and
            it is another.
        errors (list[str]): Errors in the annotations.
        missing (list[dict]): Listed images that do not exist.
        unreadable (list[dict]): Images that cannot be decoded, or whose face
            cannot be cropped, with the ``reason``.
        sizes (dict): 'distinct', 'most_common', and of 'width' and 'height'
            the 'min', 'median' and 'max', in pixels.
        grey (int): Readable images without colour.
        colour (int): Readable images with colour.
    """

    name: str
    data_root: str
    splits: dict[str, dict]
    label_rule: str
    crop: str
    classes: list[str]
    pictures: int
    counts: dict[str, int]
    expected: dict[str, int] | None
    expected_source: str
    unexpected_total: str
    errors: list[str]
    missing: list[dict] = field(default_factory=list)
    unreadable: list[dict] = field(default_factory=list)
    sizes: dict[str, Any] = field(default_factory=dict)
    grey: int = 0
    colour: int = 0

    @property
    def ok(self) -> bool:
        """True if the copy is complete, whatever its duplicates."""
        return self.counts_agree and not (
            self.unexpected_total
            or self.errors
            or self.missing
            or self.unreadable
        )

    @property
    def counts_agree(self) -> bool:
        """True if the counts are the expected ones, if there are any."""
        return self.expected is None or (
            Counter(self.counts) == Counter(self.expected)
        )


@dataclass
class Report:
    """Findings in the datasets of a config.

    Attributes:
        parts (list[PartReport]): The official parts.
        duplicates (list[dict]): Groups of images with the same pixels:
            their ``splits``, whether labels are ``contradicting``, and the
            ``pictures``.
        shared (list[str]): Paths of images that are in several splits, other
            than validation and test together.
        shared_groups (list[str]): The same of persons and other groups, as
            far as they are known.
        leaks (list[str]): Paths of test images that are, or have a copy, in
            another split.
    """

    parts: list[PartReport]
    duplicates: list[dict]
    shared: list[str]
    shared_groups: list[str]
    leaks: list[str]

    @property
    def compared(self) -> bool:
        """True if splits were compared: if all annotations are right."""
        return not any(part.errors for part in self.parts)

    @property
    def lacking(self) -> list[str]:
        """Paths of images that are missing or unreadable."""
        found = [
            image['path']
            for part in self.parts
            for image in (*part.missing, *part.unreadable)
        ]
        return list(dict.fromkeys(found))

    @property
    def ok(self) -> bool:
        """True if all parts are complete and no image is in two splits."""
        return not self.shared and all(part.ok for part in self.parts)


def verify(parts: Sequence[OfficialPart]) -> Report:
    """Decode all images of the parts and compare them.

    Args:
        parts (Sequence[OfficialPart]): The annotations.

    Returns:
        Report: The findings.
    """
    # A file that several parts list is one image, not a duplicate.
    files: dict[_File, tuple[DataRoot, Sample]] = {}
    splits: dict[_File, list[str]] = defaultdict(list)
    groups_in: dict[_File, set[str]] = defaultdict(set)
    for part in parts:
        root = part.dataset.root
        for sample in part.present:
            files.setdefault((root.path, sample.path), (root, sample))
        for split, samples in part.splits.items():
            for sample in samples:
                splits[root.path, sample.path].append(split)
                if sample.group:
                    groups_in[root.path, sample.group].add(split)
    with ThreadPool(_THREADS) as pool:
        found = pool.imap(_facts, files.values(), chunksize=16)
        facts = dict(
            zip(files, track(found, 'decoding', len(files)), strict=True)
        )
    groups = duplicate_groups(
        (file, fact.digest)
        for file, fact in facts.items()
        if isinstance(fact, ImageFacts) and file in splits
    )

    def several(names: Iterable[str]) -> bool:
        # A config that selects the epoch on the test split says so.
        return len({*names}) > 1 and {*names} != {'val', 'test'}

    shared = [file for file, names in splits.items() if several(names)]
    leaks = [path for root, path in shared if 'test' in splits[root, path]]
    duplicates = []
    for group in groups:
        # Copies among test images alone are no leak, even if the epoch is
        # selected on the test split.
        if any('test' not in splits[file] for file in group):
            leaks += [file[1] for file in group if 'test' in splits[file]]
        images = [
            dict(_to_dict(files[file][1]), splits=splits[file])
            for file in group
        ]
        duplicates.append(
            dict(
                splits=sorted(
                    {s for image in images for s in image['splits']}
                ),
                contradicting=len({image['label'] for image in images}) > 1,
                pictures=images,
            )
        )
    return Report(
        [_report(part, facts) for part in parts],
        duplicates,
        shared=[path for _, path in shared],
        shared_groups=sorted(
            group for (_, group), names in groups_in.items() if several(names)
        ),
        leaks=list(dict.fromkeys(leaks)),
    )


def _facts(file: tuple[DataRoot, Sample]) -> ImageFacts | str:
    """Decode an image; return its facts, or why it cannot be decoded."""
    root, sample = file
    try:
        return image_facts(root.read(sample.path))
    except (ValueError, OSError) as error:
        return str(error)


def _to_dict(sample: Sample) -> dict[str, Any]:
    return dict(path=sample.path, label=sample.label, where=sample.where)


def _report(
    part: OfficialPart, facts: Mapping[_File, ImageFacts | str]
) -> PartReport:
    dataset = part.dataset
    rules = dataset.describe()
    expected = dataset.expected_counts() if part.samples else None
    report = PartReport(
        name=part.name,
        data_root=dataset.root.path,
        splits={
            split: dict(
                pictures=len(samples), rule='; '.join(part.rules[split])
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
        unexpected_total=dataset.unexpected_total,
        errors=part.errors,
        missing=[_to_dict(sample) for sample in part.absent],
    )
    readable, crop = [], dataset.box_crop
    for sample in part.present:
        fact = _checked(facts[dataset.root.path, sample.path], sample, crop)
        if isinstance(fact, str):
            report.unreadable.append(dict(_to_dict(sample), reason=fact))
        else:
            readable.append(fact)
    if readable:
        report.sizes = _sizes(readable)
    report.grey = sum(fact.grey for fact in readable)
    report.colour = len(readable) - report.grey
    return report


def _checked(
    fact: ImageFacts | str, sample: Sample, crop: FaceCrop | None
) -> ImageFacts | str:
    """Return the facts, or why the sample's face cannot be cropped."""
    if crop is None or sample.box is None or isinstance(fact, str):
        return fact
    try:
        crop.check(Face(np.array(sample.box)), fact.height, fact.width)
    except ValueError as error:
        return str(error)
    return fact


def _sizes(facts: Sequence[ImageFacts]) -> dict[str, Any]:
    """Summarize widths and heights in pixels."""
    sizes = Counter(f'{fact.width} x {fact.height}' for fact in facts)
    summary: dict[str, Any] = dict(
        distinct=len(sizes), most_common=sizes.most_common(5)
    )
    for side in ('width', 'height'):
        values = [getattr(fact, side) for fact in facts]
        summary[side] = dict(
            min=min(values), median=float(np.median(values)), max=max(values)
        )
    return summary
