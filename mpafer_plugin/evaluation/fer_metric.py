from collections.abc import Sequence

import numpy as np
from mmengine.evaluator import BaseMetric
from mmengine.logging import MMLogger
from mmpretrain.registry import METRICS

from mpafer_plugin.datasets.categories import indices_by_name


@METRICS.register_module()
class FERMetric(BaseMetric):
    """What papers on facial expression recognition report, in percent.

    - ``fer/accuracy``: share of the images that are right.
    - ``fer/uar``: mean of the recalls (unweighted average recall, also called
      mean-class accuracy).
    - ``fer/macro_f1``: mean of the classes' F1.
    - ``fer/recall_<class>``: recall of each class.

    A class without images in the ground truth has no recall and is left out
    of both means.

    A model may be tested on data with other classes, or the same in another
    order, if its samples say which it means (``model_classes``, as those of
    :class:`PromptAlignmentHead` do): classes meet by name. Images of a
    class that the model lacks cannot be right: they are left out of all
    figures, ``fer/left_out`` is their share of all, and the log names what
    either side lacks. A class that only the model knows is still a possible,
    wrong, prediction.

    Args:
        collect_device (str): Device by which results of several ranks are
            gathered, ``'cpu'`` or ``'gpu'``. Defaults to ``'cpu'``.
        prefix (str, optional): Prefix of the names. Defaults to None, which
            means ``'fer'``.

    Attributes:
        confusion (np.ndarray | None): Counts (C, C) of the last evaluation, a
            row a true class, a column a predicted one. On the main process.
        classes (tuple[str, ...] | None): The classes of its rows and columns,
            those of the model.

    Raises:
        ValueError: If the model has another number of classes than the data
            and does not say which, or none in common with it.
    """

    default_prefix = 'fer'

    def __init__(self, collect_device: str = 'cpu', prefix: str | None = None):
        super().__init__(collect_device=collect_device, prefix=prefix)
        self.confusion: np.ndarray | None = None
        self.classes: tuple[str, ...] | None = None
        self._pairs: dict[tuple[int, int], tuple[int, int]] = {}

    def process(self, data_batch: dict, data_samples: Sequence[dict]) -> None:
        """Take the true and predicted classes of a batch.

        Args:
            data_batch (dict): Not used.
            data_samples (Sequence[dict]): mmpretrain's data samples as dicts.
                With soft targets and no label, the largest target is the
                label; with scores, the largest score is what is predicted.
        """
        for sample in data_samples:
            self.classes = sample.get('model_classes')
            label = sample.get('gt_label')
            if label is None:
                label = sample['gt_score'].argmax()
            # Scores first: test-time augmentation merges only them.
            score = sample.get('pred_score')
            predicted = (
                sample['pred_label'] if score is None else score.argmax()
            )
            if self.classes is None and score is not None:
                self._check_number(len(score))
            number = len(self.dataset_meta['classes'])
            if not 0 <= label < number:
                raise ValueError(
                    f'{sample.get("img_path")!r} has the label {int(label)}; '
                    f'the data has {number} classes'
                )
            # One object a pair of classes, not one an image.
            pair = int(label), int(predicted)
            self.results.append(self._pairs.setdefault(pair, pair))

    def compute_metrics(self, results: list) -> dict[str, float]:
        """Compute the metrics of all images.

        Args:
            results (list[tuple[int, int]]): Of each the true class, an index
                into the data's classes, and the predicted one, an index into
                the model's.

        Returns:
            dict[str, float]: Percentages by name, without the prefix.
        """
        if self.classes is None:
            self.classes = tuple(self.dataset_meta['classes'])
        true, predicted = np.array(results).T
        true = self._by_name(self.classes)[true]
        known = true >= 0
        if not known.any():
            raise ValueError(
                'no image shows a class of the model: it has '
                f'{list(self.classes)}, the data has '
                f'{list(self.dataset_meta["classes"])}'
            )
        confusion = np.zeros((len(self.classes),) * 2, dtype=np.int64)
        np.add.at(confusion, (true[known], predicted[known]), 1)
        self.confusion = confusion

        hits = confusion.diagonal()
        support = confusion.sum(1)
        present = support > 0
        recall = hits[present] / support[present]
        f1 = 2 * hits / np.maximum(support + confusion.sum(0), 1)
        metrics = {
            'accuracy': hits.sum() / support.sum(),
            'uar': recall.mean(),
            'macro_f1': f1[present].mean(),
        }
        if not known.all():
            metrics['left_out'] = (~known).mean()
        names = [
            name for name, p in zip(self.classes, present, strict=True) if p
        ]
        for name, value in zip(names, recall, strict=True):
            metrics[f'recall_{name}'] = value
        return {name: 100 * float(value) for name, value in metrics.items()}

    def _by_name(self, classes: Sequence[str]) -> np.ndarray:
        """Index of each of the data's classes in the model's, -1 for none."""
        data = self.dataset_meta['classes']
        indices = indices_by_name(data, classes)
        lacking = [n for n, i in zip(data, indices, strict=True) if i < 0]
        found = indices_by_name(classes, data)
        extra = [n for n, i in zip(classes, found, strict=True) if i < 0]
        if lacking or extra:
            MMLogger.get_current_instance().warning(
                'FERMetric: the model and the data have other classes. The '
                f'model lacks {lacking}: such images are left out of all '
                f'figures. The data lacks {extra}: such predictions are wrong'
            )
        return np.array(indices)

    def _check_number(self, scores: int) -> None:
        """Refuse scores whose classes nobody tells."""
        classes = self.dataset_meta['classes']
        if scores != len(classes):
            raise ValueError(
                f'the model scores {scores} classes and does not say which; '
                f'the data has {len(classes)}: {list(classes)}'
            )
