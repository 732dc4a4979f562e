import torch
from mmengine.logging import HistoryBuffer
from mmengine.model import BaseTTAModel, is_model_wrapper
from mmpretrain.registry import HOOKS

from mpafer_plugin.datasets.categories import canonical_names
from mpafer_plugin.engine.checkpoints.test_pipeline import (
    pipeline_of,
    resize_of,
)

from ..checkpoints.face_crop import (
    check_loaded_crop,
    check_own_crops,
    face_crops,
)
from ..checkpoints.metadata import (
    ENTRY,
    check_tensors,
    compare,
    describe,
    identity,
)
from .safe_checkpoint_hook import SafeCheckpointHook


@HOOKS.register_module()
class PromptCheckpointHook(SafeCheckpointHook):
    """Save what was trained, and what it can be used with.

    Besides being safe on the disk, a checkpoint has an entry
    ``mpafer`` of plain data: class names, the towers' architecture and
    fingerprints, the hard prompts and their digest, how the training data's
    faces were cut out (``face_crop``, None if as released), how test images
    are resized, what builds the model again, and versions.
    When a checkpoint is loaded this entry and the shapes of its tensors are
    compared with the model, and any difference that would make the prompts
    mean something else is an error; data whose faces are cut out differently
    is warned about. And the history of logged values is cut to
    what the log's window needs, so that files don't grow with the run.

    The frozen towers are not in the file: with B/16 it stays below 1 MB, the
    optimizer's state included.

    Args:
        init_prompts (str, optional): A checkpoint, such as of another data
            set, whose visual prompts and shared context training starts from.
            Defaults to None.
        **kwargs: See :class:`SafeCheckpointHook`.
    """

    def __init__(self, *args, init_prompts: str | None = None, **kwargs):
        super().__init__(*args, **kwargs)
        self.init_prompts = init_prompts

    def before_train(self, runner) -> None:
        """Compare the classes with the data's, and start from other prompts.

        Raises:
            ValueError: If the training data has other classes than the head,
                or the same in another order.
        """
        super().before_train(runner)
        own = describe(_bare(runner.model))['classes']
        data = runner.train_dataloader.dataset.metainfo.get('classes')
        if None not in (own, data) and canonical_names(
            data
        ) != canonical_names(own):
            raise ValueError(
                f'the training data has the classes {list(data)}, the head '
                f'has {own}'
            )
        check_own_crops(runner)
        if self.init_prompts is not None and runner.iter == 0:
            self._start_from_prompts(runner, self.init_prompts)

    def before_save_checkpoint(self, runner, checkpoint: dict) -> None:
        """Add the entry and cut the history."""
        super().before_save_checkpoint(runner, checkpoint)
        checkpoint[ENTRY] = dict(
            describe(_bare(runner.model)),
            face_crop=face_crops(runner).get('train'),
            resize=resize_of(pipeline_of(runner.cfg)),
        )
        windows = [runner.log_processor.window_size]
        for custom in runner.log_processor.custom_cfg:
            if isinstance(custom.get('window_size'), int):
                windows.append(custom['window_size'])
        scalars = checkpoint['message_hub']['log_scalars']
        for name, buffer in scalars.items():
            values, counts = buffer.data
            last = slice(-max(windows), None)
            scalars[name] = HistoryBuffer(values[last], counts[last])

    def after_load_checkpoint(self, runner, checkpoint: dict) -> None:
        """Refuse a checkpoint that does not belong to the model.

        Raises:
            ValueError: If classes, their order, their words, a tower or the
                tensors differ, or, on resuming, the hard prompts or the
                training data's face crop.
        """
        super().after_load_checkpoint(runner, checkpoint)
        model = _bare(runner.model)
        found = checkpoint.get(ENTRY)
        if found is None:
            runner.logger.warning(
                'the checkpoint was not written by PromptCheckpointHook: its '
                'classes and towers cannot be compared with the model'
            )
        else:
            compare(found, describe(model), resume=runner._resume)
            check_loaded_crop(runner, found)
        # mmengine itself only logs what does not fit, and goes on.
        check_tensors(checkpoint['state_dict'], model)

    def _start_from_prompts(self, runner, path: str) -> None:
        model = _bare(runner.model)
        checkpoint = torch.load(path, map_location='cpu')
        found, own = checkpoint.get(ENTRY, {}), describe(model)
        for tower in ('image_tower', 'text_tower'):
            if identity(found.get(tower)) != identity(own[tower]):
                raise ValueError(
                    f'init_prompts={path!r} was trained with the '
                    f'{tower} {found.get(tower)}, this model has {own[tower]}'
                )
        with torch.no_grad():
            targets = dict(model.named_parameters())
            for name in ('backbone.prompts', 'head.text.context'):
                if name not in targets:
                    continue  # switched off
                value, target = (
                    checkpoint['state_dict'].get(name),
                    targets[name],
                )
                if value is None or value.shape != target.shape:
                    shape = None if value is None else tuple(value.shape)
                    raise ValueError(
                        f'init_prompts={path!r} has {name} of '
                        f'shape {shape}, this model {tuple(target.shape)}'
                    )
                if name.endswith('context') and value.ndim == 3:
                    raise ValueError(
                        f'init_prompts={path!r} has a context '
                        'for each class; only a shared one can be taken over'
                    )
                target.copy_(value)
        runner.logger.info(f'prompts start from {path}')


def _bare(model):
    while is_model_wrapper(model) or isinstance(model, BaseTTAModel):
        model = model.module
    return model
