"""Two processes get the prototypes that one gets."""

from types import SimpleNamespace

import pytest
import torch
import torch.distributed as dist
from mmengine.config import Config
from mmengine.logging import MMLogger
from mmengine.registry import init_default_scope
from mmpretrain.registry import DATASETS, MODELS

from mpafer_plugin.engine import PrototypeHook


def prototypes(cfg: Config, cache_dir: str | None) -> torch.Tensor:
    """Run the hook with as much of a runner as it looks at."""
    init_default_scope('mmpretrain')
    dataset = DATASETS.build(cfg.train_dataloader.dataset)
    runner = SimpleNamespace(
        model=MODELS.build(cfg.model),
        train_dataloader=SimpleNamespace(dataset=dataset, pin_memory=False),
        cfg=cfg,
        iter=0,
        optim_wrapper=None,
        logger=MMLogger.get_current_instance(),
    )
    PrototypeHook(num_workers=0, cache_dir=cache_dir).before_train(runner)
    return runner.model.head.prototypes


def work(rank: int, store: str, cfg: dict, out: str, cache_dir: str) -> None:
    torch.set_num_threads(1)
    dist.init_process_group(
        'gloo', init_method=f'file://{store}', rank=rank, world_size=2
    )
    # The caches of the ranks differ, as on machines without a common disk.
    for _ in range(2):
        result = prototypes(Config(cfg), f'{cache_dir}{rank}')
    torch.save(result, f'{out}{rank}')
    dist.destroy_process_group()


@pytest.mark.slow
def test_two_processes_agree_with_one(load_config, tmp_path):
    cfg = load_config('mpafer_rafdb.py')
    alone = prototypes(cfg, None)
    out = str(tmp_path / 'prototypes')
    torch.multiprocessing.spawn(
        work,
        (str(tmp_path / 'store'), cfg.to_dict(), out, str(tmp_path / 'cache')),
        nprocs=2,
    )
    for rank in range(2):
        torch.testing.assert_close(
            torch.load(f'{out}{rank}'), alone, atol=1e-6, rtol=0
        )
    assert len(list((tmp_path / 'cache0').iterdir())) == 1
    assert not (tmp_path / 'cache1').exists()
