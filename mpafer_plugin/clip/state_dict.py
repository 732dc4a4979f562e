import pickle
import warnings
import zipfile
from pathlib import Path
from typing import Any

import torch

from .digests import is_published, sha256
from .key_names import to_open_clip


def read_state_dict(
    path: Path, trust: bool = False
) -> dict[str, torch.Tensor]:
    """Read weights of any common layout.

    Accepted are safetensors, what ``torch.save`` writes (a state dict, bare
    or below ``state_dict``) and OpenAI's JIT archives, with the names of
    :func:`to_open_clip`, in any floating-point type. Pickled code in a file
    is refused, not run. A JIT archive is a program by its nature: it is
    opened if its digest is that of a published one, or if it is trusted.

    Args:
        path (Path): The file.
        trust (bool): Whether a JIT archive may run its code, whoever wrote
            it. Defaults to False.

    Returns:
        dict[str, torch.Tensor]: Keys as in ``open_clip.CLIP.state_dict()``.

    Raises:
        ValueError: If the file is not such a state dict, or an archive that
            is not trusted.
    """
    content: Any
    if path.suffix == '.safetensors':
        from safetensors import SafetensorError
        from safetensors.torch import load_file

        try:
            content = load_file(path)
        except SafetensorError as error:
            raise ValueError(
                f'{path} can not be read as safetensors: {error}'
            ) from error
    elif _is_jit_archive(path):
        if not trust and not is_published(path):
            raise ValueError(
                f'{path} is a JIT archive, which is a program, and its '
                f'SHA-256 {sha256(path)} is not that of a published one. If '
                'you trust its author, take the weights out of it once:\n'
                f'  python tools/convert_weights.py {path} '
                f'{path.with_suffix(".safetensors")} --trust'
            )
        with warnings.catch_warnings():
            # Deprecated by torch, and the only way into these files.
            warnings.simplefilter('ignore', FutureWarning)
            archive = torch.jit.load(path, map_location='cpu')
        content = archive.state_dict()
    else:
        content = _read_pickle(path)
    if isinstance(content, dict) and 'state_dict' in content:
        content = content['state_dict']
    if not isinstance(content, dict) or not all(
        isinstance(value, torch.Tensor) for value in content.values()
    ):
        raise ValueError(
            f'{path} holds a {type(content).__name__} that is not a dict of '
            'tensors'
        )
    return to_open_clip(content)


def _is_jit_archive(path: Path) -> bool:
    if not zipfile.is_zipfile(path):
        return False
    with zipfile.ZipFile(path) as archive:
        return any('/code/' in name for name in archive.namelist())


def _read_pickle(path: Path) -> Any:
    try:
        return torch.load(
            path, map_location='cpu', weights_only=True, mmap=True
        )
    except (pickle.UnpicklingError, RuntimeError) as error:
        raise ValueError(
            f'{path} can not be read as weights. Accepted are a state dict '
            "saved by torch.save, bare or below 'state_dict', safetensors "
            f"and OpenAI's JIT archives. torch says: {error}"
        ) from error
