"""Files of tensors that are not trusted: damaged, hostile, or of others."""

import re
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from traceback import extract_tb
from typing import Any

import torch

from .listing import listed

# What torch puts around its reason: advice to execute the file.
_ADVICE = re.compile(
    r'.*WeightsUnpickler error:\s*| (?:In PyTorch 2\.6|Please use `torch).*',
    re.DOTALL,
)

LARGEST = 1e18
"""Absolute value of a weight (ours): squares, as in norms, are finite."""

# Of distributed training and of torch.compile.
_WRAPPERS = re.compile(r'^(?:module\.|_orig_mod\.)+|(?<=\.)_orig_mod\.')


@contextmanager
def reading(path: str | Path, what: str) -> Iterator[None]:
    """Turn any error into one that names the file.

    torch, zipfile and numpy refuse broken files with errors of any kind.

    Args:
        path (str | Path): The file.
        what (str): What it is read as.

    Raises:
        ValueError: If the block raises an error.
    """
    try:
        yield
    except Exception as error:
        # Assertions without a message have only their line.
        text = str(error) or extract_tb(error.__traceback__)[-1].line
        text = _ADVICE.sub('', str(text))
        reason = f'{type(error).__name__}: {text}'.partition('\n')[0]
        raise ValueError(
            f'{str(path)!r} cannot be read as {what}: {reason[:400]}'
        ) from error


def load_tensors(
    path: str | Path, map_location: Any = 'cpu', mmap: bool = False
) -> Any:
    """Load a file of ``torch.save`` as data; nothing in it is executed.

    Neither the file nor a tensor of it may take more memory than the file has
    bytes: compressed archives and expanded tensors are refused, and so are
    sparse and quantized ones.

    Args:
        path (str | Path): The file.
        map_location (Any): See :func:`torch.load`. Defaults to ``'cpu'``.
        mmap (bool): Whether to map it into memory, if it is an archive.
            Defaults to False.

    Raises:
        ValueError: If torch refuses the file, or it would grow.
    """
    with reading(path, 'data of torch'):
        size = Path(path).stat().st_size
        is_archive = zipfile.is_zipfile(path)
        if is_archive:
            with zipfile.ZipFile(path) as archive:
                total = sum(info.file_size for info in archive.infolist())
            if total > size:
                raise ValueError(f'{size} bytes would become {total}')
        content = torch.load(
            path,
            map_location=map_location,
            weights_only=True,
            mmap=mmap and is_archive,
        )
        for tensor in _tensors(content):
            plain = tensor.layout is torch.strided and not tensor.is_quantized
            if not plain or tensor.is_meta:
                raise ValueError(
                    f'a tensor is {tensor.dtype}, {tensor.layout}, on '
                    f'{tensor.device}: only dense ones with values are read'
                )
            bytes_needed = tensor.numel() * tensor.element_size()
            if bytes_needed > size:
                raise ValueError(
                    f'a tensor of shape {tuple(tensor.shape)} takes '
                    f'{bytes_needed} bytes, the file has {size}'
                )
    return content


def _tensors(content: Any) -> Iterator[torch.Tensor]:
    if isinstance(content, torch.Tensor):
        yield content
    elif isinstance(content, Mapping):
        for value in content.values():
            yield from _tensors(value)
    elif isinstance(content, (list, tuple)):
        for value in content:
            yield from _tensors(value)


def unwrap_names(state_dict: dict[str, torch.Tensor]) -> None:
    """Remove the prefixes that DDP and ``torch.compile`` add, in place.

    Raises:
        ValueError: If a name is there with and without them.
    """
    for name in list(state_dict):
        bare = _WRAPPERS.sub('', name)
        if bare == name:
            continue
        if bare in state_dict:
            raise ValueError(f'there are both {name!r} and {bare!r}')
        state_dict[bare] = state_dict.pop(name)


def misfit(
    found: Mapping[str, torch.Tensor], expected: Mapping[str, torch.Tensor]
) -> str:
    """Describe how tensors differ from those of a model, '' if they fit.

    Their names and shapes must be the same, and their values real, finite and
    at most :data:`LARGEST`, but for those that are the same in the model:
    buffers that are not set.

    Args:
        found (Mapping[str, torch.Tensor]): The tensors.
        expected (Mapping[str, torch.Tensor]): Those of the model.
    """
    both = [name for name in expected if name in found]
    shapes = [
        f'{name} {tuple(found[name].shape)}, not {tuple(expected[name].shape)}'
        for name in both
        if found[name].shape != expected[name].shape
    ]
    problems = {
        'missing': [name for name in expected if name not in found],
        'unknown': [name for name in found if name not in expected],
        'of another shape': shapes,
        'of another type': [
            f'{name} {found[name].dtype}, not {expected[name].dtype}'
            for name in both
            if found[name].is_floating_point()
            != expected[name].is_floating_point()
        ],
    }
    if not any(problems.values()):
        problems[f'not finite, or beyond {LARGEST:g}'] = [
            name
            for name in both
            if not _is_finite(found[name], expected[name])
        ]
    return '; '.join(
        f'{len(items)} {problem}: {listed(items)}'
        for problem, items in problems.items()
        if items
    )


def _is_finite(found: torch.Tensor, expected: torch.Tensor) -> bool:
    """Return whether values are finite, or else as they are in the model."""
    if expected.is_meta:
        return bool(_in_range(found).all())
    found = found.to(expected)
    finite = _in_range(found)
    if not finite.all():
        finite |= (found == expected) | (found.isnan() & expected.isnan())
    return bool(finite.all())


def _in_range(tensor: torch.Tensor) -> torch.Tensor:
    finite = tensor.isfinite()  # LARGEST would be infinite in float16
    if tensor.is_floating_point():
        finite &= tensor.abs() <= LARGEST
    return finite
