"""Look into a model: which loss moves which prompts, and how classes lie.

For batches of the training data: the value of each loss, what it would be if
nothing told the classes apart, and the norm of its gradient by group of
prompts. Then how alike the classes are (cosines): hard and soft prompts as
tokens and as features, and prototypes. Without CHECKPOINT, of the untrained
model.
"""

import argparse
import itertools
import math

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
        '--batches', type=int, default=10, help='default: %(default)s'
    )
    parser.add_argument('--out', help='file for the results: .json')
    add_runner_arguments(parser)
    args = parser.parse_args()
    if args.batches < 1:
        parser.error(f'--batches {args.batches} is not positive')
    return args


def gradients(runner: Runner, batches: int) -> dict[str, dict[str, float]]:
    """Mean value and gradient norms of each loss.

    Returns:
        dict: By name of the loss: ``value`` and, by name of the parameter,
        the norm of the gradient of the loss's mean over the batches.
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
def likeness(head: torch.nn.Module) -> dict[str, dict]:
    """How alike the classes are: cosines of all pairs of two.

    Returns:
        dict: By what stands for the classes: ``mean`` and ``max`` of the
        cosines, and ``closest``, the two classes that are most alike.
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
        i, j = torch.triu_indices(*cosines.shape, offset=1)
        pairs = cosines[i, j]
        top = int(pairs.argmax())
        closest = text.classes[i[top]], text.classes[j[top]]
        results[name] = dict(
            mean=float(pairs.mean()),
            max=float(pairs.max()),
            closest=' / '.join(closest),
        )
    return results


def show(losses: dict, alike: dict, head: torch.nn.Module) -> None:
    """Print both as tables."""
    console = Console()
    blind = math.log(len(head.text.classes))
    choosing = {'loss_cls': blind}
    for name in ('loss_token', 'loss_prompt'):
        loss = getattr(head, name)
        if getattr(loss, 'mode', '') == 'contrastive':
            choosing[name] = loss.loss_weight * blind
    groups = list(next(iter(losses.values())))[1:]
    table = Table(title='losses, and the norms of their gradients')
    for column in ('', 'value', 'nothing told apart', *groups):
        table.add_column(
            column, justify='right' if column else 'left', overflow='fold'
        )
    for name, found in losses.items():
        table.add_row(
            name,
            f'{found["value"]:.3f}',
            f'{choosing[name]:.3f}' if name in choosing else '',
            *(f'{found[group]:.2e}' for group in groups),
        )
    console.print(table)
    table = Table(title='cosines between classes')
    for column in ('', 'mean', 'largest', 'of'):
        table.add_column(column, justify='right' if column else 'left')
    for name, found in alike.items():
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
    cfg.log_level = 'WARNING'  # the host logs the whole config
    runner = build_runner(cfg, args)
    runner._train_loop = runner.build_train_loop(runner._train_loop)
    for hook in runner.hooks:
        if isinstance(hook, PrototypeHook):
            hook.before_train(runner)
    if args.checkpoint:
        runner.load_checkpoint(args.checkpoint)
    losses = gradients(runner, args.batches)
    alike = likeness(runner.model.head)
    show(losses, alike, runner.model.head)
    if args.out:
        mmengine.dump(dict(losses=losses, likeness=alike), args.out, indent=2)


if __name__ == '__main__':
    main()
