"""Evaluate CLIP without training on the test set of a config.

Uses the frozen towers and the hard prompts of each granularity: the zero-shot
baseline of the trained prompts.
"""

import argparse
from collections.abc import Sequence

import mmengine
import torch
import torch.nn.functional as F
from mmengine.registry import init_default_scope
from mmengine.runner import Runner
from mmpretrain.registry import MODELS
from rich.console import Console
from rich.progress import track
from rich.table import Table

from mpafer_plugin.engine.one_hot_labels import set_num_classes
from mpafer_plugin.evaluation import FERMetric
from mpafer_plugin.prompts import GRANULARITIES

from .config_args import (
    add_config_arguments,
    load_config,
    output_file,
    require,
)

CHOICES = (*GRANULARITIES, 'mean')


def parse_args(
    argv: Sequence[str] | None = None, prog: str | None = None
) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog=prog, description=__doc__)
    add_config_arguments(parser)
    parser.add_argument(
        '--out', type=output_file, help='file for the results: .json'
    )
    return parser.parse_args(argv)


@torch.no_grad()
def score(cfg: mmengine.Config) -> dict:
    """Evaluate the test set with each granularity of hard prompts.

    Args:
        cfg (Config): Changed in place: visual prompts and prototypes are
            switched off.

    Returns:
        dict: For each granularity, accuracy and UAR in percent of the class
        token alone (``token``) and of the global-local score (``both``).
    """
    device = 'cuda' if torch.cuda.is_available() else 'cpu'
    cfg.model.backbone.num_prompts = 0
    cfg.model.head.loss_proto = None
    cfg.model.head.proto_weight = 0
    model = MODELS.build(cfg.model).to(device).eval()
    set_num_classes(model)
    loader = Runner.build_dataloader(cfg.test_dataloader)
    metainfo = loader.dataset.metainfo
    hard = {}
    for granularity in CHOICES:
        text = MODELS.build(
            cfg.model.head.text
            | dict(
                type='HardPromptCLIPText',
                num_context=0,
                granularity=granularity,
            )
        )
        hard[granularity] = F.normalize(text.hard_features, dim=-1).to(device)

    pairs: dict = {
        (g, kind): [] for g in CHOICES for kind in ('token', 'both')
    }
    for batch in track(loader, 'zero-shot'):
        # Before they go to a GPU, which each would wait for.
        true = [int(sample.gt_label) for sample in batch['data_samples']]
        batch = model.data_preprocessor(batch, training=False)
        ((feature, patches),) = model.backbone(batch['inputs'])
        for granularity, classes in hard.items():
            token = F.normalize(feature, dim=-1) @ classes.T  # (B, C)
            both = model.head.logits(feature, patches, classes)
            for kind, scores in (('token', token), ('both', both)):
                found = scores.argmax(1).tolist()
                pairs[granularity, kind] += zip(true, found, strict=True)

    metric = FERMetric()
    metric.dataset_meta = metainfo
    results: dict = {str(granularity): {} for granularity in CHOICES}
    for (granularity, kind), found in pairs.items():
        metrics = metric.compute_metrics(found)
        results[str(granularity)][kind] = {
            name: metrics[name] for name in ('accuracy', 'uar')
        }
    return results


def show(results: dict) -> None:
    """Print the results as a table."""
    table = Table(title='zero-shot, percent')
    table.add_column('hard prompt')
    for kind in ('class token', 'global-local'):
        table.add_column(f'{kind}: accuracy', justify='right')
        table.add_column('UAR', justify='right')
    for granularity, kinds in results.items():
        values = [
            f'{kinds[kind][name]:.2f}'
            for kind in ('token', 'both')
            for name in ('accuracy', 'uar')
        ]
        table.add_row(granularity, *values)
    Console().print(table)


def main(argv: Sequence[str] | None = None, prog: str | None = None) -> int:
    args = parse_args(argv, prog)
    cfg = load_config(args)
    require(cfg, args, 'test_dataloader')
    if not cfg.model.head.get('text'):
        raise SystemExit(
            f'{args.config} has no model.head.text: zero-shot compares images '
            'with the prompts of a PromptAlignmentHead'
        )
    init_default_scope(cfg.get('default_scope', 'mmpretrain'))
    results = score(cfg)
    show(results)
    if args.out:
        mmengine.dump(results, args.out)
    return 0
