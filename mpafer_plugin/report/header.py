"""Facts that identify a report: data, model, recipe and versions."""

import ast
import platform
from collections.abc import Mapping, Sequence
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np

from mpafer_plugin.apis.load_model import LoadedModel
from mpafer_plugin.engine.checkpoints.file import read_checkpoint
from mpafer_plugin.engine.checkpoints.metadata import CheckpointMeta
from mpafer_plugin.utils.hashing import sha256
from mpafer_plugin.version import __version__

from .data import ReportData

PACKAGES = ('torch', 'mmengine', 'mmpretrain', 'open_clip_torch', 'numpy')


def data_facts(
    data: ReportData, split: str, classes: Sequence[str]
) -> dict[str, Any]:
    """Describe the images: datasets, rules, crop and counts."""
    counts = np.bincount(data.true, minlength=len(classes))
    return dict(
        split=split,
        images=len(data.true),
        counts=dict(zip(classes, counts.tolist(), strict=True)),
        left_out=data.left_out,
        lacking=data.lacking,
        datasets=data.describe(),
    )


def model_facts(path: str, loaded: LoadedModel) -> dict[str, Any]:
    """Describe a checkpoint and the run that wrote it.

    Args:
        path (str): The checkpoint.
        loaded (LoadedModel): Its model.
    """
    checkpoint = read_checkpoint(path)
    entry = CheckpointMeta.from_checkpoint(checkpoint)
    meta = checkpoint['meta']
    model: Any = loaded.model
    towers = {}
    for name in ('image_tower', 'text_tower'):
        tower = None if entry is None else getattr(entry, name)
        if tower is not None:
            towers[name] = f'{tower["arch"]}, {tower["fingerprint"]}'
    return dict(
        checkpoint=Path(path).name,
        sha256=sha256(Path(path)),
        model=', '.join(
            type(part).__name__
            for part in (model, model.backbone, getattr(model, 'head', None))
        ),
        trainable=sum(
            p.numel() for p in model.parameters() if p.requires_grad
        ),
        epoch=meta.get('epoch'),
        seed=meta.get('seed'),
        written=meta.get('time'),
        dtype=meta.get('dtype'),
        versions={} if entry is None else entry.versions,
        towers=towers,
        recipe=recipe_of(model, config_values(meta.get('cfg'))),
    )


def config_values(text: Any) -> dict[str, Any]:
    """Read the config that a checkpoint holds as text, without executing it.

    Args:
        text (Any): Assignments of literals, as ``Config.pretty_text`` has
            them.

    Returns:
        dict: Its values; empty if it is not of that form.
    """
    try:
        statements: list[Any] = ast.parse(text).body
        return {s.targets[0].id: _literal(s.value) for s in statements}
    except (
        AttributeError, MemoryError, RecursionError, SyntaxError, TypeError,
        ValueError
    ):  # fmt: skip
        return {}


def _literal(node: Any) -> Any:
    """Evaluate a literal in which dicts may be calls of ``dict``."""
    if isinstance(node, ast.Call) and getattr(node.func, 'id', '') == 'dict':
        return {pair.arg: _literal(pair.value) for pair in node.keywords}
    if isinstance(node, ast.List | ast.Tuple):
        return [_literal(item) for item in node.elts]
    return ast.literal_eval(node)


def recipe_of(model: Any, cfg: Mapping[str, Any]) -> dict[str, Any]:
    """List the settings that most recipes differ in.

    Args:
        model (nn.Module): A classifier.
        cfg (Mapping): The config of its training, empty if it is not known.
    """
    recipe: dict[str, Any] = {}
    prompts = getattr(model.backbone, 'prompts', None)
    if prompts is not None:
        recipe['visual prompts'] = (
            f'{prompts.shape[1]} x {len(prompts)} layers'
        )
    head: Any = getattr(model, 'head', None)
    for name in ('top_k', 'local_weight', 'proto_weight'):
        if hasattr(head, name):
            recipe[name] = getattr(head, name)
    if hasattr(head, 'log_scale'):
        recipe['logit scale'] = round(head.log_scale.exp().item(), 3)
    context = getattr(getattr(head, 'text', None), 'context', None)
    if context is not None:
        recipe['context vectors'] = context.shape[-2]
    stated = _part(cfg, 'model', 'head')
    losses = [
        name.removeprefix('loss_')
        for name in ('loss_token', 'loss_prompt', 'loss_proto')
        if stated.get(name) is not None
    ]
    if losses:
        recipe['alignment losses'] = ', '.join(losses)
    optimizer = _part(cfg, 'optim_wrapper', 'optimizer')
    for name in ('type', 'lr', 'weight_decay'):
        if name in optimizer:
            recipe[f'optimizer {name}'] = optimizer[name]
    train = _part(cfg, 'train_cfg')
    for name in ('max_epochs', 'max_iters'):
        if name in train:
            recipe[name] = train[name]
    loader = _part(cfg, 'train_dataloader')
    if 'batch_size' in loader:
        recipe['batch size'] = loader['batch_size']
    return recipe


def _part(cfg: Any, *names: str) -> dict[str, Any]:
    """Return a part of a config, empty if there is none."""
    for name in names:
        cfg = cfg.get(name) if isinstance(cfg, dict) else None
    return cfg if isinstance(cfg, dict) else {}


def versions_here() -> dict[str, str]:
    """Return the versions of the packages that made the report."""
    found = dict(mpafer_plugin=__version__, python=platform.python_version())
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:  # the host's maintained fork
            continue
    return found


def facts_of_report(command: str) -> dict[str, Any]:
    """Return how and when a report is made."""
    return dict(
        command=command,
        date=datetime.now().astimezone().isoformat(' ', 'minutes'),
        versions=versions_here(),
    )
