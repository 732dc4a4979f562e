from mmengine.hooks import Hook

from mpafer_plugin.evaluation import FERMetric


class TrainedClassesHook(Hook):
    """Classes of a checkpoint for the metrics, as heads may not name theirs.

    mmengine stores the classes of the training data in each checkpoint. With
    them, a linear head is tested on data with other classes, or another order
    of them; see :class:`FERMetric`.
    """

    def after_load_checkpoint(self, runner, checkpoint: dict) -> None:
        """Set the classes of each metric of validation and test."""
        meta = checkpoint.get('meta', {}).get('dataset_meta') or {}
        classes = meta.get('classes')
        if not isinstance(classes, (list, tuple)):
            return
        for loop in (runner._val_loop, runner._test_loop):
            evaluator = getattr(loop, 'evaluator', None)
            for metric in getattr(evaluator, 'metrics', ()):
                if isinstance(metric, FERMetric):
                    metric.trained_classes = tuple(map(str, classes))
