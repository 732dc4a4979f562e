"""Images of a report: labels, persons, groups and thumbnails."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from mmengine.logging import MMLogger

from mpafer_plugin.datasets.categories import indices_by_name
from mpafer_plugin.datasets.label_counts import read_labels
from mpafer_plugin.datasets.rafdb.people import read_people
from mpafer_plugin.datasets.rafdb.rafdb import RAFDB
from mpafer_plugin.datasets.wrappers import inner_datasets


@dataclass(frozen=True)
class ReportData:
    """Images that a report is about.

    Args:
        dataset (Any): The dataset, with the test pipeline.
        images (np.ndarray): Indices of the N images whose class the models
            have.
        true (np.ndarray): Their classes, indices into the models', (N,).
        lacking (list[str]): Classes of the dataset that the models lack.
    """

    dataset: Any
    images: np.ndarray
    true: np.ndarray
    lacking: list[str]

    @classmethod
    def of(cls, dataset: Any, classes: Sequence[str]) -> 'ReportData':
        """Match the labels of a dataset with the classes of a model.

        Raises:
            ValueError: If they have no class in common.
        """
        names, labels = read_labels(dataset)
        index = np.array(indices_by_name(names, classes))
        true = index[labels]
        images = np.flatnonzero(true >= 0)
        lacking = [n for n, i in zip(names, index, strict=True) if i < 0]
        if not len(images):
            raise ValueError(
                f'no image shows a class of the model: it has {list(classes)},'
                f' the data has {list(names)}'
            )
        if lacking:
            MMLogger.get_current_instance().warning(
                f'the model lacks {lacking}: {len(true) - len(images)} images '
                'of these classes are left out of the report'
            )
        return cls(dataset, images, true[images], lacking)

    @property
    def left_out(self) -> int:
        """Images of classes that the models lack."""
        return len(self.dataset) - len(self.images)

    def describe(self) -> list[dict[str, str]]:
        """Describe the datasets inside: type, split, rules and crop."""
        return [
            dict(
                type=type(part).__name__,
                **(part.describe() if hasattr(part, 'describe') else {}),
            )
            for part in inner_datasets(self.dataset)
        ]

    def path(self, image: int) -> str:
        """Return the path of an image, relative to its dataset's folder.

        Args:
            image (int): Its place among the N images.
        """
        path = self._info(image).get('img_path', '')
        for part in inner_datasets(self.dataset):
            root = getattr(part, 'data_root', '') or ''
            if root and path.startswith(os.path.join(root, '')):
                return path[len(os.path.join(root, '')) :]
        return os.path.basename(path)

    def persons(self) -> np.ndarray | None:
        """Return the number of each image's person, (N,), None if unknown."""
        found = [
            self._info(i).get('subject') or '' for i in range(len(self.images))
        ]
        if '' in found:
            return None
        return np.unique(found, return_inverse=True)[1]

    def columns(self) -> dict[str, list[str]]:
        """Return the values of the columns that group people, (N,) each."""
        infos = [self._info(i) for i in range(len(self.images))]
        if any(isinstance(d, RAFDB) for d in inner_datasets(self.dataset)):
            found = [read_people(info['img_path']) for info in infos]
        else:
            found = [info.get('groups') or {} for info in infos]
        names = dict.fromkeys(name for groups in found for name in groups)
        return {
            name: [groups.get(name, '') for groups in found] for name in names
        }

    def view(self, image: int) -> np.ndarray | None:
        """Load an image as the model sees it.

        Returns:
            np.ndarray | None: (H, W, 3), RGB, uint8; None if the pipeline
            gives another type.
        """
        inputs = self.dataset[int(self.images[image])]['inputs']
        if not torch.is_tensor(inputs) or inputs.dtype != torch.uint8:
            return None
        return inputs.permute(1, 2, 0).numpy()[..., ::-1]

    def _info(self, image: int) -> dict[str, Any]:
        return self.dataset.get_data_info(int(self.images[image]))
