from collections.abc import Sequence

import numpy as np
from mmengine.evaluator import BaseMetric
from mmpretrain.registry import METRICS


@METRICS.register_module()
class FERMetric(BaseMetric):
    """What papers on facial expression recognition report, in percent.

    - ``fer/accuracy``: share of the pictures that are right.
    - ``fer/uar``: mean of the recalls (unweighted average recall, also called
      mean-class accuracy).
    - ``fer/macro_f1``: mean of the classes' F1.
    - ``fer/recall_<class>``: recall of each class.

    A class without pictures in the ground truth has no recall and is left out
    of both means.

    Args:
        collect_device (str): Device by which results of several ranks are
            gathered, ``'cpu'`` or ``'gpu'``. Defaults to ``'cpu'``.
        prefix (str, optional): Prefix of the names. Defaults to None, which
            means ``'fer'``.

    Attributes:
        confusion (np.ndarray | None): Counts (C, C) of the last evaluation, a
            row a true class, a column a predicted one. On the main process.
    """

    default_prefix = 'fer'

    def __init__(self, collect_device: str = 'cpu', prefix: str | None = None):
        super().__init__(collect_device=collect_device, prefix=prefix)
        self.confusion: np.ndarray | None = None

    def process(self, data_batch: dict, data_samples: Sequence[dict]) -> None:
        """Take the true and predicted classes of a batch.

        Args:
            data_batch (dict): Not used.
            data_samples (Sequence[dict]): mmpretrain's data samples as dicts.
                With soft targets and no label, the largest target is the
                label; with scores, the largest score is what is predicted.
        """
        for sample in data_samples:
            label = sample.get('gt_label')
            if label is None:
                label = sample['gt_score'].argmax()
            # Scores first: test-time augmentation merges only them.
            score = sample.get('pred_score')
            predicted = (
                sample['pred_label'] if score is None else score.argmax()
            )
            self.results.append((int(label), int(predicted)))

    def compute_metrics(self, results: list) -> dict[str, float]:
        """Compute the metrics of all pictures.

        Args:
            results (list[tuple[int, int]]): True and predicted class of each.

        Returns:
            dict[str, float]: Percentages by name, without the prefix.
        """
        classes = self.dataset_meta['classes']
        true, predicted = np.array(results).T
        confusion = np.zeros((len(classes), len(classes)), dtype=np.int64)
        np.add.at(confusion, (true, predicted), 1)
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
        names = [name for name, p in zip(classes, present, strict=True) if p]
        for name, value in zip(names, recall, strict=True):
            metrics[f'recall_{name}'] = value
        return {name: 100 * float(value) for name, value in metrics.items()}
