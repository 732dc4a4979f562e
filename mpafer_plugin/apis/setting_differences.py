from typing import Any

from torch import nn

from mpafer_plugin.engine.model_settings import model_settings


def setting_differences(
    entry: dict, model: nn.Module, resize: dict | None
) -> str:
    """Say where a model differs from the one that a checkpoint was trained in.

    Both run, but the predictions are others than those of the training.

    Args:
        entry (dict): The checkpoint's, see :func:`describe`; {} if it has
            none.
        model (nn.Module): What a config or a caller built.
        resize (dict, optional): How its pictures are resized, see
            :func:`resize_of`.

    Returns:
        str: Each setting with both values; '' if none differs, or the
        checkpoint does not say.
    """
    found, own = (
        # What the CLIP weights are called does not matter.
        {name: v for name, v in (settings or {}).items() if name != 'clip'}
        for settings in (entry.get('settings'), model_settings(model))
    )
    texts = [
        _text(name, found[name], own[name])
        for name in found
        if name in own and found[name] != own[name]
    ]
    if 'resize' in entry:
        here = resize or {}
        stored = entry['resize'] or {}
        texts += [
            _text(name, stored.get(name), here.get(name))
            for name in ('scale', 'interpolation')
            if stored.get(name) != here.get(name)
        ]
    return '; '.join(texts)


def _text(name: str, found: Any, own: Any) -> str:
    first, second = (
        'more than a resize' if value is None else repr(value)
        for value in (found, own)
    )
    return f'{name}: {first} in the checkpoint, {second} here'
