from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from mmpretrain.registry import DATASETS

from ..annotations import Sample, absent_images
from ..base_fer_dataset import BaseFERDataset
from ..wrappers import dataset_class, inner_datasets

# Arguments that do not change the result of `read_samples`.
_SPLIT_ARGUMENTS = {
    'split',
    'val_fraction',
    'val_seed',
    'leave_out',
    'subset',
    'folds',
    'fold',
    'fold_seed',
    'indices',
    'pipeline',
    'test_mode',
    'max_refetch',
    'serialize_data',
    'lazy_init',
}


@dataclass
class OfficialPart:
    """An official part of a dataset, and the splits made from it.

    Attributes:
        name (str): Dataset class and official part, 'RAFDB train'.
        datasets (list[tuple[str, BaseFERDataset]]): Each split and its
            dataset, not initialized: it cannot load images.
        samples (list[Sample]): All images of the part.
        splits (dict[str, list[Sample]]): The images of each split.
        present (list[Sample]): Images that exist; like ``absent``, without
            those that all splits leave out.
        absent (list[Sample]): Listed images that do not exist.
        rules (dict[str, list[str]]): Split to the rules of its datasets.
        errors (list[str]): Errors in the annotations.
    """

    name: str
    datasets: list[tuple[str, BaseFERDataset]]
    samples: list[Sample] = field(default_factory=list)
    splits: dict[str, list[Sample]] = field(default_factory=dict)
    present: list[Sample] = field(default_factory=list)
    absent: list[Sample] = field(default_factory=list)
    rules: dict[str, list[str]] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)

    @property
    def dataset(self) -> BaseFERDataset:
        """Dataset by which the annotations are read."""
        return self.datasets[0][1]

    @property
    def counts(self) -> Counter[str]:
        """Number of images of each class, by canonical name."""
        return Counter(sample.label for sample in self.samples)

    def read(self) -> None:
        """Read the annotations; errors go to ``errors``."""
        dataset = self.dataset
        try:
            samples = dataset.read_samples()
            wanted = {
                sample.path
                for _, each in self.datasets
                for sample in each.without_left_out(samples)[0]
            }
            kept = [s for s in samples if s.path in wanted]
            # Also checks that no path leads out of the folder.
            self.absent = absent_images(dataset.root, kept)
            absent = {sample.path for sample in self.absent}
            self.present = [s for s in kept if s.path not in absent]
            self.samples = samples
            for split, each in self.datasets:
                chosen, text = each.without_left_out(
                    each.select_split(samples)
                )
                rule = each.describe()['split_rule'] + text
                self.splits.setdefault(split, []).extend(chosen)
                self.rules.setdefault(split, []).append(rule)
        except (ValueError, OSError) as error:
            self.errors.append(str(error))


def fer_dataset_configs(config: Mapping) -> list[dict]:
    """List the configs of this package's datasets in a dataset config.

    Args:
        config (Mapping): Config of a :class:`BaseFERDataset`, or of a wrapper
            with ``dataset`` or ``datasets``.

    Returns:
        list[dict]: The configs inside the wrappers.

    Raises:
        TypeError: If a dataset is not a :class:`BaseFERDataset`.
    """
    configs = []
    for inner in inner_datasets(config):
        kind = dataset_class(inner)
        if not (isinstance(kind, type) and issubclass(kind, BaseFERDataset)):
            raise TypeError(
                f'a {inner["type"]} is neither a dataset of facial '
                'expressions (a BaseFERDataset) nor a wrapper with `dataset` '
                'or `datasets`'
            )
        configs.append(dict(inner))
    return configs


def read_parts(configs: Mapping[str, Mapping]) -> list[OfficialPart]:
    """Read the annotations of several splits, each official part once.

    Missing images and wrong annotations are recorded, not raised, unless a
    dataset cannot be built without them.

    Args:
        configs (Mapping[str, Mapping]): Each split to the config of its
            dataset, which may be wrapped.

    Returns:
        list[OfficialPart]: The parts, in the order of the splits.

    Raises:
        TypeError: If a dataset is not a :class:`BaseFERDataset`.
        ValueError: If an argument of a dataset is wrong.
        FileNotFoundError: If a dataset needs a folder that does not exist.
    """
    parts: dict[tuple[str, str], OfficialPart] = {}
    for split, wrapped in configs.items():
        for config in fer_dataset_configs(wrapped):
            dataset = DATASETS.build(
                config | dict(lazy_init=True, pipeline=[])
            )
            name = f'{type(dataset).__name__} {dataset.official_part}'
            arguments = sorted(
                (k, v) for k, v in config.items() if k not in _SPLIT_ARGUMENTS
            )
            known = parts.setdefault(
                (name, repr(arguments)), OfficialPart(name, [])
            )
            known.datasets.append((split, dataset))
    for found in parts.values():
        found.read()
    return list(parts.values())
