"""Diagnose a model: gradients of each loss, and similarity of the classes.

For batches of the training data it reports each loss, its value at chance
level, and the norm of its gradient for each group of parameters. For the
classes it reports cosine similarities of hard and soft prompts, as tokens and
as features, and of prototypes. Without CHECKPOINT the model is untrained.
"""

import argparse
import itertools
import math
from typing import Any

import mmengine
import torch
import torch.nn.functional as F
from mmengine.runner import Runner
from rich.console import Console
from rich.table import Table

from mpafer_plugin.cli.config_args import (
    add_config_arguments,
    add_runner_arguments,
    build_runner,
    load_runner_config,
)
from mpafer_plugin.engine import PrototypeHook


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_config_arguments(parser)
    parser.add_argument('checkpoint', nargs='?', help='checkpoint file')
    parser.add_argument(
        '--batches',
        type=int,
        default=10,
        help='training batches; default: %(default)s',
    )
    parser.add_argument('--out', help='file for the results: .json')
    add_runner_arguments(parser)
    args = parser.parse_args()
    if args.batches < 1:
        parser.error(f'--batches {args.batches} is not positive')
    return args


def gradients(runner: Runner, batches: int) -> dict[str, dict[str, float]]:
    """Compute the mean value and gradient norms of each loss.

    Returns:
        dict: For each loss its ``value`` and, for each parameter name, the
        norm of the gradient of the mean loss.
    """
    model = runner.model.train()
    groups = {n: p for n, p in model.named_parameters() if p.requires_grad}
    values: dict[str, float] = {}
    sums: dict[str, list] = {}
    loader = itertools.islice(runner.train_dataloader, batches)
    count = 0
    for batch in loader:
        count += 1
        batch = model.data_preprocessor(batch, training=True)
        losses = model(**batch, mode='loss')
        for name, loss in losses.items():
            found = torch.autograd.grad(
                loss,
                list(groups.values()),
                retain_graph=True,
                materialize_grads=True,
            )
            values[name] = values.get(name, 0.0) + loss.item()
            before = sums.get(name, [0.0] * len(found))
            sums[name] = [a + b for a, b in zip(before, found, strict=True)]
    return {
        name: dict(
            value=values[name] / count,
            **{
                group: float(grad.norm()) / count
                for group, grad in zip(groups, sums[name], strict=True)
            },
        )
        for name in values
    }


@torch.no_grad()
def class_similarity(head: Any) -> dict[str, dict]:
    """Compute the cosine similarities of all pairs of classes.

    Returns:
        dict: For each kind of class vectors, ``mean`` and ``max`` of the
        cosines, and ``closest``, the most similar pair of classes.
    """
    text = head.text
    kinds = {
        'hard prompts, tokens': text.hard_tokens,
        'soft prompts, tokens': text.soft_tokens(),
        'hard prompts, features': text.hard_features,
        'soft prompts, features': text(),
    }
    if head.loss_proto is not None:
        kinds['prototypes'] = head.prototypes
    if head.proto_offsets is not None:
        keys = F.normalize(head.prototypes, dim=-1) + head.proto_offsets
        kinds['prototypes, as they score'] = keys
    results = {}
    for name, vectors in kinds.items():
        vectors = F.normalize(vectors, dim=-1)
        cosines = vectors @ vectors.T
        i, j = torch.triu_indices(len(cosines), len(cosines), 1)
        pairs = cosines[i, j]
        top = int(pairs.argmax())
        closest = text.classes[i[top]], text.classes[j[top]]
        results[name] = dict(
            mean=float(pairs.mean()),
            max=float(pairs.max()),
            closest=' / '.join(closest),
        )
    return results


def show(losses: dict, similarity: dict, head: Any) -> None:
    """Print losses and similarities as tables."""
    console = Console()
    log_classes = math.log(len(head.text.classes))
    chance = {'loss_cls': log_classes}
    for name in ('loss_token', 'loss_prompt'):
        loss = getattr(head, name)
        if getattr(loss, 'mode', '') == 'contrastive':
            chance[name] = loss.loss_weight * log_classes
    groups = list(next(iter(losses.values())))[1:]
    table = Table(title='losses and norms of their gradients')
    for column in ('', 'value', 'at chance', *groups):
        table.add_column(
            column, justify='right' if column else 'left', overflow='fold'
        )
    for name, found in losses.items():
        table.add_row(
            name,
            f'{found["value"]:.3f}',
            f'{chance[name]:.3f}' if name in chance else '',
            *(f'{found[group]:.2e}' for group in groups),
        )
    console.print(table)
    table = Table(title='cosines between classes')
    for column in ('', 'mean', 'max', 'closest'):
        table.add_column(column, justify='right' if column else 'left')
    for name, found in similarity.items():
        table.add_row(
            name,
            f'{found["mean"]:.3f}',
            f'{found["max"]:.3f}',
            found['closest'],
        )
    console.print(table)


def main() -> None:
    args = parse_args()
    cfg = load_runner_config(args)
    cfg.log_level = 'WARNING'  # otherwise the whole config is logged
    runner = build_runner(cfg, args)
    runner._train_loop = runner.build_train_loop(runner._train_loop)
    for hook in runner.hooks:
        if isinstance(hook, PrototypeHook):
            hook.before_train(runner)
    if args.checkpoint:
        runner.load_checkpoint(args.checkpoint)
    losses = gradients(runner, args.batches)
    similarity = class_similarity(runner.model.head)
    show(losses, similarity, runner.model.head)
    if args.out:
        results = dict(losses=losses, likeness=similarity)
        mmengine.dump(results, args.out, indent=2)


if __name__ == '__main__':
    main()
