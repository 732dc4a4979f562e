from collections.abc import Sequence

import numpy as np
import torch
from mmengine.evaluator import BaseMetric
from mmengine.logging import MMLogger
from mmpretrain.registry import METRICS

from mpafer_plugin.datasets.categories import indices_by_name
from mpafer_plugin.utils.metric_names import metric_name

from .class_scores import class_scores

MEANS = ('accuracy', 'uar', 'macro_f1')


@METRICS.register_module()
class FERMetric(BaseMetric):
    """Metrics of facial expression recognition, in percent.

    - ``fer/accuracy``: share of correct predictions.
    - ``fer/uar``: unweighted average recall, also called mean-class accuracy.
    - ``fer/macro_f1``: mean F1 of the classes.
    - ``fer/recall_<class>``: recall of each class, see
      :func:`metric_name`.

    Classes without images in the ground truth are left out of both means.

    A model may be tested on a dataset with other classes, or another order of
    them, if its samples carry ``model_classes``, as those of
    :class:`PromptAlignmentHead` do, or ``trained_classes`` is set, as ``mpafer
    test`` does by the checkpoint: classes are matched by name. Images of a
    class that the model lacks are left out of all metrics;
    ``fer/left_out`` is their share, and a warning lists the classes that
    either side lacks. Predictions of a class that the dataset lacks are wrong.

    Args:
        collect_device (str): Device for gathering the results of several
            ranks, ``'cpu'`` or ``'gpu'``. Defaults to ``'cpu'``.
        prefix (str, optional): Prefix of the names. Defaults to None:
            ``'fer'``.

    Attributes:
        confusion (np.ndarray | None): Counts (C, C) of the last evaluation;
            rows are true classes, columns predicted ones. On the main
            process only.
        classes (tuple[str, ...] | None): Classes of its rows and columns,
            those of the model.
        trained_classes (tuple[str, ...] | None): Classes of a model whose
            samples do not carry them, in label order.

    Raises:
        ValueError: If model and dataset have different numbers of classes
            and ``model_classes`` is missing, or no class in common.
    """

    default_prefix = 'fer'

    def __init__(self, collect_device: str = 'cpu', prefix: str | None = None):
        super().__init__(collect_device=collect_device, prefix=prefix)
        self.confusion: np.ndarray | None = None
        self.classes: tuple[str, ...] | None = None
        self.trained_classes: tuple[str, ...] | None = None
        self._pairs: dict[tuple[int, int], tuple[int, int]] = {}

    def process(self, data_batch: dict, data_samples: Sequence[dict]) -> None:
        """Store the true and predicted classes of a batch.

        Args:
            data_batch (dict): Not used.
            data_samples (Sequence[dict]): mmpretrain's data samples as dicts.
                Without a label, the largest soft target is the label; with
                scores, the class of the largest is the prediction.
        """
        first = data_samples[0]
        self.classes = data_samples[-1].get('model_classes')
        if self.classes is None:
            self.classes = self.trained_classes
        names = list(self.dataset_meta['classes'])
        if first.get('gt_label') is None:
            true = _stack(data_samples, 'gt_score').argmax(1)
        else:
            true = _stack(data_samples, 'gt_label').reshape(len(data_samples))
        # Scores first: test-time augmentation merges only them.
        if first.get('pred_score') is None:
            predicted = _stack(data_samples, 'pred_label')[:, 0]
        else:
            scores = _stack(data_samples, 'pred_score')
            predicted = scores.argmax(1)
            known = names if self.classes is None else list(self.classes)
            if scores.shape[1] != len(known):
                whose = 'the data' if known is names else 'its checkpoint'
                raise ValueError(
                    f'the model scores {scores.shape[1]} classes without '
                    f'their names; {whose} has {len(known)}: {known}'
                )
            if not np.isfinite(scores).all():
                index = np.isfinite(scores).all(1).argmin()
                path = data_samples[index].get('img_path')
                raise ValueError(f'the scores of {path!r} are not finite')
        known = (true >= 0) & (true < len(names))
        if not known.all():
            index = known.argmin()
            raise ValueError(
                f'{data_samples[index].get("img_path")!r} has the label '
                f'{true[index]}; the data has {len(names)} classes'
            )
        # Images of the same pair share one tuple, to save memory.
        self.results += [
            self._pairs.setdefault(pair, pair)
            for pair in zip(true.tolist(), predicted.tolist(), strict=True)
        ]

    def compute_metrics(self, results: list) -> dict[str, float]:
        """Compute the metrics of all images.

        Args:
            results (list[tuple[int, int]]): True class of each image, an
                index into the dataset's classes, and predicted class, an
                index into the model's.

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

        support = confusion.sum(1)
        scores = class_scores(confusion.diagonal(), support, confusion.sum(0))
        metrics = {name: scores[name] for name in MEANS}
        if not known.all():
            metrics['left_out'] = (~known).mean()
        for i in np.flatnonzero(support):
            name = recall_name(self.classes[i])
            if name in metrics:  # of classes that differ in '+' and '(' only
                name = f'{name}_{i}'
            metrics[name] = scores['recall'][i]
        return {name: 100 * float(value) for name, value in metrics.items()}

    def _by_name(self, classes: Sequence[str]) -> np.ndarray:
        """Map dataset classes to indices of the model's, -1 if absent."""
        data = self.dataset_meta['classes']
        indices = indices_by_name(data, classes)
        lacking = [n for n, i in zip(data, indices, strict=True) if i < 0]
        found = indices_by_name(classes, data)
        extra = [n for n, i in zip(classes, found, strict=True) if i < 0]
        texts = ['FERMetric: model and data have different classes.']
        if lacking:
            texts.append(
                f'The model lacks {lacking}: these images are left out of all '
                'metrics.'
            )
        if extra:
            texts.append(
                f'The data lacks {extra}: these predictions are wrong.'
            )
        if lacking or extra:
            MMLogger.get_current_instance().warning(' '.join(texts))
        return np.array(indices)


def recall_name(class_name: str) -> str:
    """Return the name of the recall of a class, without prefix."""
    return metric_name(f'recall_{class_name}')


def _stack(samples: Sequence[dict], name: str) -> np.ndarray:
    """Copy a field of all samples to the CPU: a GPU is waited for once."""
    values = [torch.as_tensor(sample[name]) for sample in samples]
    stacked = torch.stack(values).cpu()
    if stacked.dtype == torch.bfloat16:  # of a linear layer; unknown to numpy
        stacked = stacked.float()
    return stacked.numpy()
