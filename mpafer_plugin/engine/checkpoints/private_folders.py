"""Checkpoints without their maker's folders, which are private."""

import os
from typing import Any

from mmengine.config import Config

from .file import file_name

_FILES = ('last_ckpt', 'best_ckpt')
"""Beginnings of the message hub's keys for checkpoint files."""


def text_of(cfg: Config) -> str:
    """Return a config as text, without the folders of this machine.

    Paths below the working directory become relative to it; of others, also
    of those that begin with ``..`` or ``~``, the last part is kept.
    """
    return Config(_relative(cfg.to_dict())).pretty_text


def strip(checkpoint: dict[str, Any], config: str) -> None:
    """Replace the config text, and paths of checkpoints by their names.

    Args:
        checkpoint (dict): As :meth:`Runner.save_checkpoint` writes it.
        config (str): The text to store, of :func:`text_of`.
    """
    checkpoint['meta']['cfg'] = config
    info = checkpoint['message_hub']['runtime_info']
    info.pop('cfg', None)  # the same text once more
    for key in _file_keys(info):
        info[key] = file_name(info[key])


def restore(checkpoint: dict[str, Any], path: str) -> None:
    """Complete the names of checkpoints, which lie beside this one.

    Args:
        checkpoint (dict): What was read; paths in older files stay.
        path (str): Where it was read from, a file or a URL.
    """
    folder = os.path.dirname(path if '://' in path else os.path.abspath(path))
    info = checkpoint.get('message_hub', {}).get('runtime_info', {})
    for key in _file_keys(info):
        if info[key] and file_name(info[key]) == info[key]:
            info[key] = os.path.join(folder, info[key])


def _file_keys(info: dict[str, Any]) -> list[str]:
    return [
        key
        for key, value in info.items()
        if key.startswith(_FILES) and isinstance(value, str)
    ]


def _relative(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _relative(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(_relative(item) for item in value)
    if not isinstance(value, str):
        return value
    scheme, mark, path = value.rpartition('://')  # such as archive://
    if not path.startswith((os.sep, '..', '~')) and not os.path.isabs(path):
        return value
    inside = os.path.relpath(os.path.expanduser(path))
    if inside.startswith(os.pardir):
        inside = file_name(path)
    return scheme + mark + inside
