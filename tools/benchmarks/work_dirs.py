"""What a training run left in its work dir, to compare it with another."""

import json
import os
from pathlib import Path
from typing import Any

import torch

from mpafer_plugin.utils.tensor_files import load_tensors


def logs_of(folder: Path) -> list[Path]:
    """List the logs of scalars in a work dir, one a start, oldest first."""
    return sorted(folder.glob('*/vis_data/scalars.json'))


def last_iteration(folder: Path) -> int:
    """Return the last logged iteration of a run, 0 before the first."""
    for log in reversed(logs_of(folder)):
        with open(log, 'rb') as file:
            file.seek(-min(4096, log.stat().st_size), os.SEEK_END)
            lines = file.read().splitlines()
        for line in reversed(lines):
            try:
                values = json.loads(line)
            except ValueError:  # cut, or not written to its end
                continue
            if 'iter' in values:
                return values['iter']
    return 0


def scalars_of(folder: Path) -> dict[tuple[str, int], dict]:
    """Read what a run logged, by kind and step; resumed runs overwrite."""
    found = {}
    for log in logs_of(folder):
        for line in log.read_text(encoding='utf-8').splitlines():
            try:
                values = json.loads(line)
            except ValueError:  # the process was killed as it wrote
                continue
            kind = 'train' if 'iter' in values else 'val'
            for clock in ('time', 'data_time'):
                values.pop(clock, None)
            found[kind, values['step']] = values
    return found


def state_of(folder: Path) -> dict[str, dict]:
    """Read the checkpoints of a run, without clock and folders."""
    files = {}
    for path in sorted(folder.glob('*.pth')):
        checkpoint = load_tensors(path)
        info = checkpoint.pop('message_hub')['runtime_info']
        meta = checkpoint.pop('meta')
        checkpoint['best_score'] = info.get('best_score')
        checkpoint['position'] = meta['epoch'], meta['iter']
        files[path.name] = checkpoint
    return files


def differences(ours: Any, theirs: Any, name: str = '') -> list[str]:
    """List the names of values that are not the same, bit for bit."""
    if type(ours) is not type(theirs):
        return [name]
    if isinstance(ours, dict):
        return [
            found
            for key in {**ours, **theirs}
            for found in (
                differences(ours[key], theirs[key], f'{name}/{key}')
                if key in ours and key in theirs
                else [f'{name}/{key}']
            )
        ]
    if isinstance(ours, (list, tuple)):
        if len(ours) != len(theirs):
            return [name]
        return [
            found
            for index, pair in enumerate(zip(ours, theirs, strict=True))
            for found in differences(*pair, f'{name}/{index}')
        ]
    if isinstance(ours, torch.Tensor):
        return [] if torch.equal(ours, theirs) else [name]
    nan = ours != ours and theirs != theirs
    return [] if nan or ours == theirs else [name]
