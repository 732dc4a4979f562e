from collections import Counter
from dataclasses import dataclass, field
from typing import Any


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
        errors (list[str]): Errors in the annotations.
        missing (list[dict]): Listed images that do not exist.
        unreadable (list[dict]): Images that cannot be decoded, with the
            ``reason``.
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
            self.errors or self.missing or self.unreadable
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
        leaks (list[str]): Paths of test images that are, or have a copy, in
            another split.
    """

    parts: list[PartReport]
    duplicates: list[dict]
    shared: list[str]
    leaks: list[str]

    @property
    def compared(self) -> bool:
        """True if splits were compared: if all annotations are right."""
        return not any(part.errors for part in self.parts)

    @property
    def ok(self) -> bool:
        """True if all parts are complete and no image is in two splits."""
        return not self.shared and all(part.ok for part in self.parts)
