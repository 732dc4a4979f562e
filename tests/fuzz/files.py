"""Writers of mutated files, for :class:`Target`."""

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import torch
from safetensors.torch import save

from .mutators import (
    DEEP,
    DIGITS,
    mutate_bytes,
    mutate_rows,
    mutate_tensor,
    mutate_tree,
    odd_values,
)

Write = Callable[[Random, Path], Path]

DAMAGED = 0.25
"""Share of cases in which the bytes of valid content are mutated."""


def byte_file(name: str, *valid: bytes | Callable[[], bytes]) -> Write:
    """Write valid content with mutated bytes."""

    def write(rng: Random, folder: Path) -> Path:
        content = _one(valid, rng)
        return _save(folder / name, mutate_bytes(content, rng))

    return write


def json_file(name: str, *valid: Any) -> Write:
    """Write a mutated tree as JSON; see :func:`byte_file`."""

    def write(rng: Random, folder: Path) -> Path:
        tree = _one(valid, rng)
        if rng.random() < DAMAGED:
            content = mutate_bytes(to_json(tree).encode(), rng)
        else:
            content = to_json(mutate_tree(tree, rng)).encode()
        return _save(folder / name, content)

    return write


def torch_file(name: str, *valid: Any) -> Write:
    """Write a mutated tree with tensors by ``torch.save``."""

    def write(rng: Random, folder: Path) -> Path:
        tree = _one(valid, rng)
        damaged = rng.random() < DAMAGED
        if not damaged:
            tree = mutate_tree(tree, rng, odd_values())
        buffer = io.BytesIO()
        torch.save(tree, buffer)
        content = buffer.getvalue()
        return _save(
            folder / name, mutate_bytes(content, rng) if damaged else content
        )

    return write


def safetensors_file(name: str, *valid: Any) -> Write:
    """Write a mutated state dict as safetensors, or a mutated header."""

    def write(rng: Random, folder: Path) -> Path:
        tensors = {**_one(valid, rng)}
        how = rng.random()
        if how > 0.5:
            key = rng.choice([*tensors])
            changed = mutate_tensor(tensors.pop(key), rng)
            plain = changed.layout is torch.strided and not changed.is_meta
            if plain and not changed.is_quantized and changed.numel() < 1e6:
                tensors[rng.choice((key, f'{key}x'))] = changed.contiguous()
        content = save(tensors)
        if how < DAMAGED:
            content = mutate_bytes(content, rng)
        elif how <= 0.5:
            length = int.from_bytes(content[:8], 'little')
            header = mutate_tree(json.loads(content[8 : 8 + length]), rng)
            text = to_json(header).encode()
            size = len(text).to_bytes(8, 'little')
            content = size + text + content[8 + length :]
        return _save(folder / name, content)

    return write


def table_file(
    name: str, *valid: list[list[str]], delimiter: str = ','
) -> Write:
    """Write mutated rows of cells as a table."""

    def write(rng: Random, folder: Path) -> Path:
        rows, damaged = rng.choice(valid), rng.random() < DAMAGED
        if not damaged:
            rows = mutate_rows(rows, rng)
        text = io.StringIO()
        csv.writer(text, delimiter=delimiter).writerows(rows)
        content = text.getvalue().encode('utf-8', 'surrogatepass')
        return _save(
            folder / name, mutate_bytes(content, rng) if damaged else content
        )

    return write


def to_json(tree: Any) -> str:
    """Return JSON, also of what Python would not write or read."""
    text = json.dumps(tree, indent=1)
    text = text.replace(f'"{DEEP}"', '[' * 20_000 + ']' * 20_000)
    return text.replace(f'"{DIGITS}"', '9' * 5000)


def _one(valid: tuple, rng: Random) -> Any:
    """Choose one of the valid inputs, which a function may make."""
    chosen = rng.choice(valid)
    return chosen() if callable(chosen) else chosen


def _save(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path
