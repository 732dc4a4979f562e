from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING

from mmengine.logging import MMLogger

from .annotations import Sample
from .categories import canonical_name
from .count_table import count_table

if TYPE_CHECKING:
    from .base_fer_dataset import BaseFERDataset


def report_split(
    dataset: 'BaseFERDataset',
    samples: list[Sample],
    chosen: list[Sample],
    left_out: str,
) -> None:
    """Log the rules and the counts per class, and warn of a mismatch.

    Args:
        dataset (BaseFERDataset): The reader.
        samples (list[Sample]): What it has read.
        chosen (list[Sample]): What of it makes the split.
        left_out (str): In words, what was taken out besides.
    """
    logger = MMLogger.get_current_instance()
    head = f'{type(dataset).__name__} {dataset.split!r} in '
    head += repr(dataset.data_root)
    read = Counter(sample.label for sample in samples)
    found = Counter(sample.label for sample in chosen)
    published = dataset.published_counts()
    rows: dict[str, Mapping[str, int]] = {'read': read}
    if published is not None:
        rows[dataset.COUNTS_SOURCE] = published
    if published is not None and read != Counter(published):
        logger.warning(
            f'{head}: the counts are not the {dataset.COUNTS_SOURCE} ones; '
            f'is the copy complete and unchanged?\n'
            f'{count_table(dataset.CLASSES, rows)}'
        )
    if len(chosen) != len(samples):
        rows['this split'] = found
    empty = [c for c in dataset.CLASSES if not found[canonical_name(c)]]
    if chosen and empty:
        logger.warning(f'{head}: there are no pictures of {empty}')
    logger.info(
        f'{head}\n  label rule: {dataset.label_rule_text()}\n'
        f'  split rule: {dataset.split_rule_text()}{left_out}\n'
        f'  crop: {dataset.crop_text()}\n'
        f'{count_table(dataset.CLASSES, rows)}'
    )
