from mmengine.logging import HistoryBuffer
from mmpretrain.registry import HOOKS

from mpafer_plugin.datasets.categories import canonical_names
from mpafer_plugin.utils.tensor_files import misfit, unwrap_names

from ..checkpoints.face_crop import (
    check_checkpoint_crop,
    check_validation_crop,
    face_crops,
)
from ..checkpoints.file import check_tensors, read_checkpoint
from ..checkpoints.metadata import ENTRY, CheckpointMeta
from ..checkpoints.test_pipeline import pipeline_of, resize_of
from ..distributed import unwrap_model
from ..precision import training_dtype
from .safe_checkpoint_hook import SafeCheckpointHook


@HOOKS.register_module()
class PromptCheckpointHook(SafeCheckpointHook):
    """Safe checkpoints that describe the model and data they belong to.

    The description, :class:`CheckpointMeta`, is stored under the key
    ``mpafer``. When a checkpoint is loaded, the description and the shapes of
    its tensors are compared with the model: a difference that changes the
    meaning of the prompts is an error, and other face crops are logged as a
    warning. The history of logged values is cut to the log's window, so that
    files do not grow with the run.

    The frozen towers are not in the file: with B/16 it stays below 1 MB, the
    optimizer's state included.

    Args:
        init_prompts (str, optional): A checkpoint, such as of another
            dataset, whose visual prompts and shared context training starts
            from. Defaults to None.
        **kwargs: See :class:`SafeCheckpointHook`.
    """

    def __init__(self, *args, init_prompts: str | None = None, **kwargs):
        super().__init__(*args, **kwargs)
        self.init_prompts = init_prompts

    def before_train(self, runner) -> None:
        """Check the classes, and load the initial prompts.

        Raises:
            ValueError: If the training data has other classes than the head,
                or the same in another order.
        """
        super().before_train(runner)
        own = CheckpointMeta.from_model(unwrap_model(runner.model)).classes
        data = runner.train_dataloader.dataset.metainfo.get('classes')
        if own and data and canonical_names(data) != canonical_names(own):
            raise ValueError(
                f'the training data has the classes {list(data)}, the head '
                f'has {own}'
            )
        check_validation_crop(runner)
        if self.init_prompts is not None and runner.iter == 0:
            self._init_prompts(runner, self.init_prompts)

    def before_save_checkpoint(self, runner, checkpoint: dict) -> None:
        """Add the description and cut the history."""
        super().before_save_checkpoint(runner, checkpoint)
        checkpoint[ENTRY] = CheckpointMeta.from_model(
            unwrap_model(runner.model),
            face_crop=face_crops(runner).get('train'),
            resize=resize_of(pipeline_of(runner.cfg)),
        ).to_dict()
        checkpoint['meta']['dtype'] = training_dtype(runner)
        windows = [runner.log_processor.window_size]
        for custom in runner.log_processor.custom_cfg:
            if isinstance(custom.get('window_size'), int):
                windows.append(custom['window_size'])
        scalars = checkpoint['message_hub']['log_scalars']
        for name, buffer in scalars.items():
            values, counts = buffer.data
            last = slice(-max(windows), None)
            scalars[name] = HistoryBuffer(values[last], counts[last])

    def _restore(self, runner, checkpoint: dict) -> None:
        """Check that the checkpoint belongs to the model.

        Raises:
            ValueError: If classes, their order, their words, a tower or the
                tensors differ, a tensor is not finite, or, on resuming, the
                hard prompts or the training data's face crop differ.
        """
        super()._restore(runner, checkpoint)
        model = unwrap_model(runner.model)
        meta = CheckpointMeta.from_checkpoint(checkpoint)
        if meta is None:
            runner.logger.warning(
                'the checkpoint was not written by PromptCheckpointHook: its '
                'classes and towers cannot be compared with the model'
            )
        else:
            own = CheckpointMeta.from_model(model)
            meta.compare(own, resume=runner._resume)
            check_checkpoint_crop(runner, meta)
        trained = checkpoint.get('meta', {}).get('dtype', 'float32')
        if runner._resume and trained != training_dtype(runner):
            runner.logger.warning(
                f'the checkpoint was trained in {trained}, it is continued in '
                f'{training_dtype(runner)}: --amp decides'
            )
        unwrap_names(checkpoint['state_dict'])
        # mmengine itself only logs mismatches and continues.
        check_tensors(checkpoint['state_dict'], model)

    def _init_prompts(self, runner, path: str) -> None:
        model = unwrap_model(runner.model)
        checkpoint = read_checkpoint(path)
        meta = CheckpointMeta.from_checkpoint(checkpoint)
        if meta is None:
            raise ValueError(
                f'init_prompts={path!r} was not written by '
                'PromptCheckpointHook: its towers cannot be compared with the '
                'model'
            )
        mismatches = meta.mismatches(
            CheckpointMeta.from_model(model), ('image_tower', 'text_tower')
        )
        if mismatches:
            raise ValueError(
                f'init_prompts={path!r} was trained with other towers; '
                + '; '.join(mismatches)
            )
        names = {'backbone.prompts', 'head.text.context'}
        targets = {  # without what is switched off
            name: parameter
            for name, parameter in model.named_parameters()
            if name in names
        }
        found = {
            name: value
            for name, value in checkpoint['state_dict'].items()
            if name in targets
        }
        problem = misfit(found, targets)
        if problem:
            raise ValueError(
                f'init_prompts={path!r} does not fit the model; {problem}'
            )
        for name, target in targets.items():
            if name.endswith('context') and target.ndim == 3:
                raise ValueError(
                    f'init_prompts={path!r} has a context for each class; '
                    'only a shared one can be transferred'
                )
            target.data.copy_(found[name])
        runner.logger.info(f'prompts are initialized from {path}')
