from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from mmpretrain.registry import DATASETS

from ..annotations import Sample, absent_images
from ..base_fer_dataset import BaseFERDataset
from ..categories import canonical_name

# Arguments that do not change what `load_samples` gives.
_OF_A_SPLIT = {
    'split',
    'val_fraction',
    'val_seed',
    'leave_out',
    'subset',
    'indices',
    'pipeline',
    'test_mode',
    'max_refetch',
    'serialize_data',
    'lazy_init',
}


@dataclass
class OfficialPart:
    """An official part of a dataset, and the splits that are made of it.

    Attributes:
        name (str): The reader and what it calls the part, 'RAFDB train'.
        readers (list[tuple[str, BaseFERDataset]]): The splits and their
            readers, which are not initialized: they cannot give images.
        samples (list[Sample]): All images of the part.
        splits (dict[str, list[Sample]]): Those of each split.
        absent (list[Sample]): Those that are not there.
        errors (list[str]): What is wrong with the annotations.
    """

    name: str
    readers: list[tuple[str, BaseFERDataset]]
    samples: list[Sample] = field(default_factory=list)
    splits: dict[str, list[Sample]] = field(default_factory=dict)
    absent: list[Sample] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    @property
    def dataset(self) -> BaseFERDataset:
        """The reader that listed the images."""
        return self.readers[0][1]

    @property
    def counts(self) -> Counter[str]:
        """Images of each class, by canonical name."""
        return Counter(sample.label for sample in self.samples)

    def read(self) -> None:
        """Read the annotations; what is wrong with them is in ``errors``."""
        dataset = self.dataset
        try:
            if not dataset.root.is_folder():
                raise FileNotFoundError(
                    f'data_root: {dataset.root.describe()}'
                )
            samples = dataset.load_samples()
            # also sees that no path leads out of the folder
            self.absent = absent_images(dataset.root, samples)
            self.samples = samples
            for split, reader in self.readers:
                chosen = reader.select_split(self.samples)
                chosen, _ = reader.without_left_out(chosen)
                self.splits.setdefault(split, []).extend(chosen)
        except (ValueError, OSError) as error:
            self.errors.append(str(error))
        classes = {canonical_name(name) for name in dataset.CLASSES}
        unknown = [s for s in self.samples if s.label not in classes]
        if unknown:
            self.errors.append(
                f'{unknown[0].where}: the label {unknown[0].label!r} is not '
                f'among the classes {list(dataset.CLASSES)}; '
                f'{len(unknown)} such labels'
            )


def reader_configs(config: Mapping) -> list[dict]:
    """Find the configs of our readers in that of a dataset.

    Args:
        config (Mapping): One of ours, or a wrapper's with ``dataset`` or
            ``datasets`` in it.

    Returns:
        list[dict]: The configs of readers.

    Raises:
        TypeError: If it is neither.
    """
    kind = config['type']
    reader = DATASETS.get(kind) if isinstance(kind, str) else kind
    if isinstance(reader, type) and issubclass(reader, BaseFERDataset):
        return [dict(config)]
    if 'datasets' in config:
        return [c for part in config['datasets'] for c in reader_configs(part)]
    if 'dataset' in config:
        return reader_configs(config['dataset'])
    raise TypeError(
        f'a {kind} is no dataset of facial expressions of ours (a '
        'BaseFERDataset), nor a wrapper with `dataset` or `datasets`'
    )


def read_parts(configs: Mapping[str, Mapping]) -> list[OfficialPart]:
    """Read the annotations of splits, each official part once.

    Missing images and wrong annotations are no error here, unless a reader
    needs them to be built.

    Args:
        configs (Mapping[str, Mapping]): Name of a split to the config of its
            dataset, which may be wrapped.

    Returns:
        list[OfficialPart]: The parts, in the order of the splits.

    Raises:
        TypeError: If a dataset is not one of ours.
        ValueError: If an argument of a reader is wrong.
        FileNotFoundError: If a folder is absent that a reader cannot be
            built without.
    """
    parts: dict[tuple[str, str], OfficialPart] = {}
    for split, wrapped in configs.items():
        for config in reader_configs(wrapped):
            dataset = DATASETS.build(
                config | dict(lazy_init=True, pipeline=[])
            )
            part = getattr(dataset, 'official_part', dataset.split)
            own = {k: v for k, v in config.items() if k not in _OF_A_SPLIT}
            name = f'{type(dataset).__name__} {part}'
            known = parts.setdefault(
                (name, repr(sorted(own.items(), key=str))),
                OfficialPart(name, []),
            )
            known.readers.append((split, dataset))
    for found in parts.values():
        found.read()
    return list(parts.values())
