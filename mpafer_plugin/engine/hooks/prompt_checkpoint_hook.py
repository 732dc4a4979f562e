import logging
from pathlib import Path

import mmengine
import mmpretrain
import open_clip
import torch
from mmengine.logging import HistoryBuffer
from mmengine.model import BaseTTAModel, is_model_wrapper
from mmpretrain.registry import HOOKS

from mpafer_plugin.datasets.categories import canonical_names
from mpafer_plugin.version import __version__

from .safe_checkpoint_hook import SafeCheckpointHook

FORMAT = 1
ENTRY = 'mpafer'


@HOOKS.register_module()
class PromptCheckpointHook(SafeCheckpointHook):
    """Save what was trained, and what it can be used with.

    Besides being safe on the disk, a checkpoint has an entry
    ``mpafer`` of plain data: class names, the towers' architecture and
    fingerprints, the hard prompts and their digest, and versions. When a
    checkpoint is loaded this entry and the shapes of its tensors are compared
    with the model, and any difference that would make the prompts mean
    something else is an error. And the history of logged values is cut to
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
        if self.init_prompts is not None and runner.iter == 0:
            self._start_from_prompts(runner, self.init_prompts)

    def before_save_checkpoint(self, runner, checkpoint: dict) -> None:
        """Add the entry and cut the history."""
        super().before_save_checkpoint(runner, checkpoint)
        checkpoint[ENTRY] = describe(_bare(runner.model))
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
                tensors differ, or, on resuming, the hard prompts.
        """
        super().after_load_checkpoint(runner, checkpoint)
        model = _bare(runner.model)
        found = checkpoint.get(ENTRY)
        if found is None:
            runner.logger.warning(
                'the checkpoint was not written by PromptCheckpointHook: its '
                'classes and towers can not be compared with the model'
            )
        else:
            _compare(found, describe(model), resume=runner._resume)
        # mmengine itself only logs what does not fit, and goes on.
        shapes = _shapes(checkpoint['state_dict'])
        expected = _shapes(model.state_dict())
        if shapes != expected:
            raise ValueError(
                'the checkpoint does not fit the model; it has '
                f'{dict(sorted(shapes.items() - expected.items()))}, the '
                f'model {dict(sorted(expected.items() - shapes.items()))}'
            )

    def _start_from_prompts(self, runner, path: str) -> None:
        model = _bare(runner.model)
        checkpoint = torch.load(path, map_location='cpu')
        found, own = checkpoint.get(ENTRY, {}), describe(model)
        for tower in ('image_tower', 'text_tower'):
            if _identity(found.get(tower)) != _identity(own[tower]):
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


def describe(model: torch.nn.Module) -> dict:
    """Say, as plain data, what the prompts of a classifier belong to.

    Args:
        model (nn.Module): A classifier. Parts of it that are not ours are
            described by None.
    """
    backbone = getattr(model, 'backbone', None)
    text = getattr(getattr(model, 'head', None), 'text', None)
    return dict(
        format=FORMAT,
        classes=text and list(text.classes),
        prompt_words=text and list(text.words),
        image_tower=_tower(backbone),
        text_tower=text and _tower(text),
        hard_prompts=text and text.hard_texts,
        hard_prompts_digest=text and text.descriptions_digest,
        versions=dict(
            mpafer_plugin=__version__,
            torch=str(torch.__version__),
            mmengine=mmengine.__version__,
            mmpretrain=mmpretrain.__version__,
            open_clip=open_clip.__version__,
        ),
    )


def _tower(part) -> dict | None:
    if not hasattr(part, 'fingerprint'):
        return None
    # Of an architecture file only the name: its folder is nobody's business.
    return dict(arch=Path(part.arch).name, fingerprint=part.fingerprint)


def _identity(value):
    """What has to agree: of a tower its fingerprint, whatever its name."""
    return value['fingerprint'] if isinstance(value, dict) else value


def _compare(found: dict, own: dict, resume: bool) -> None:
    if found['format'] > FORMAT:
        raise ValueError(
            f'the checkpoint has format {found["format"]}, this version '
            f'reads up to {FORMAT}: update mpafer_plugin (it was written by '
            f'{found["versions"]["mpafer_plugin"]})'
        )
    differences = [
        f'{key}: the checkpoint has {found.get(key)}, this model {own[key]}'
        for key in ('classes', 'prompt_words', 'image_tower', 'text_tower')
        if _identity(found.get(key)) != _identity(own[key])
    ]
    if differences:
        raise ValueError(
            'the checkpoint does not belong to this model.\n'
            + '\n'.join(differences)
        )
    if found.get('hard_prompts_digest') != own['hard_prompts_digest']:
        message = (
            f'hard prompts: the checkpoint was trained with '
            f'{found.get("hard_prompts")}, this model has '
            f'{own["hard_prompts"]}'
        )
        if resume:
            raise ValueError(message)
        # Predictions don't depend on them.
        mmengine.print_log(message, 'current', logging.WARNING)


def _bare(model):
    while is_model_wrapper(model) or isinstance(model, BaseTTAModel):
        model = model.module
    return model


def _shapes(state_dict: dict) -> dict[str, tuple[int, ...]]:
    return {
        name.removeprefix('module.'): tuple(tensor.shape)
        for name, tensor in state_dict.items()
    }
