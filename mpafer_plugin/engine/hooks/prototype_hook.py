import hashlib
import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.dataset import pseudo_collate
from mmengine.dist import (
    broadcast_object_list,
    get_rank,
    get_world_size,
    is_main_process,
    master_only,
)
from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmengine.utils import track_iter_progress
from mmpretrain.registry import HOOKS
from torch.utils.data import DataLoader, Subset

from mpafer_plugin.datasets.wrappers import without_augmentation
from mpafer_plugin.utils.atomic_write import atomic_write

from ..prototypes import class_prototypes

CACHE_FORMAT = 1
"""Raised whenever the same key would hold something else."""


@HOOKS.register_module()
class PrototypeHook(Hook):
    """Compute the class prototypes before training (Eq. 6).

    The training images go once through the unprompted frozen tower, without
    augmentation. The prototype of a class is the mean of its global features,
    summed in float64; with soft labels the largest decides the class. Several
    ranks share the images and get the same prototypes. A head without
    ``loss_proto`` needs none, and nothing is done.

    Args:
        pipeline (list[dict], optional): Transforms without augmentation.
            Defaults to None, which means those of the test dataset, or of
            the validation set if there is no other.
        samples_per_class (int, optional): Images of each class that take
            part, drawn at random with ``seed``; fewer where a class has
            fewer. Defaults to None, which means all (paper: all, or a
            subset).
        normalize (bool): L2-normalise each feature before the mean, so that
            every image counts alike. Defaults to True (ours; the paper
            leaves it open).
        seed (int): Defaults to 0.
        batch_size (int): Images a forward pass. Defaults to 64.
        num_workers (int): Processes that load images. Defaults to 2.
        cache_dir (str, optional): Folder that keeps prototypes by a key of
            weights, images (paths, sizes, times) and rule. Defaults to
            None, which means none is kept.
    """

    # After PromptCheckpointHook, which compares the classes of data and head.
    priority = 'LOWEST'

    def __init__(
        self,
        pipeline: list[dict] | None = None,
        samples_per_class: int | None = None,
        normalize: bool = True,
        seed: int = 0,
        batch_size: int = 64,
        num_workers: int = 2,
        cache_dir: str | None = None,
    ):
        if samples_per_class is not None and samples_per_class < 1:
            raise ValueError(
                f'samples_per_class={samples_per_class!r} is not positive'
            )
        self.pipeline = pipeline
        self.samples_per_class = samples_per_class
        self.normalize = normalize
        self.seed = seed
        self.batch_size = batch_size
        self.num_workers = num_workers
        self.cache_dir = Path(cache_dir) if cache_dir else None

    def before_train(self, runner) -> None:
        """Set the prototypes of the runner's head."""
        model = runner.model
        if is_model_wrapper(model):
            model = model.module
        # The host's tools that draw schedules train a stand-in without head.
        head = getattr(model, 'head', None)
        if getattr(head, 'loss_proto', None) is None:
            return
        if not hasattr(model.backbone, 'fingerprint'):
            raise ValueError(
                'prototypes are features of an unprompted CLIP, which a '
                f'{type(model.backbone).__name__} has not: use '
                'PromptedCLIPViT, or set model.head.loss_proto=None'
            )
        if runner.iter > 0 and model.head.prototypes.isfinite().all():
            runner.logger.info('class prototypes: those of the checkpoint')
            return

        pipeline = self.pipeline
        if pipeline is None:
            pipeline = _plain_pipeline(runner.cfg)
        dataset = without_augmentation(
            runner.train_dataloader.dataset, pipeline
        )
        indices = self._choose(dataset)
        path = self._cache_path(model, Subset(dataset, indices), pipeline)
        prototypes = _load(path)
        origin = f'from the cache {path}'
        if prototypes is None:
            prototypes = self._compute(model, Subset(dataset, indices))
            origin = f'means over {len(indices)} images'
            if path is not None:
                _save(path, prototypes.cpu().numpy())
        model.head.set_prototypes(prototypes.to(model.head.prototypes))
        runner.logger.info(f'class prototypes: {origin}')

    def _choose(self, dataset) -> list[int]:
        """Indices of the images that take part."""
        classes = dataset.metainfo['classes']
        # The labels alone: memory must not grow by a record an image.
        labels = np.fromiter(
            (_label(dataset.get_data_info(i)) for i in range(len(dataset))),
            dtype=np.int64,
            count=len(dataset),
        )
        counts = np.bincount(labels, minlength=len(classes))
        if not counts.all():
            absent = [classes[i] for i in np.flatnonzero(counts == 0)]
            raise ValueError(
                f'no training images of {absent}: these classes can have '
                'no prototypes. Leave the classes out, or switch prototypes '
                'off with model.head.loss_proto=None'
            )
        if self.samples_per_class is None:
            return list(range(len(labels)))
        order = np.random.default_rng(self.seed).permutation(len(labels))
        chosen = [
            order[labels[order] == label][: self.samples_per_class]
            for label in range(len(classes))
        ]
        return sorted(np.concatenate(chosen).tolist())

    def _cache_path(
        self, model, images: Subset, pipeline: list[dict]
    ) -> Path | None:
        if self.cache_dir is None:
            return None
        digest = hashlib.sha256(model.backbone.fingerprint.encode())
        shape = tuple(model.head.prototypes.shape)
        rule = (CACHE_FORMAT, self.normalize, shape)
        digest.update(repr(rule).encode())
        digest.update(json.dumps(pipeline, sort_keys=True).encode())
        preprocessor = model.data_preprocessor
        digest.update(f'{preprocessor.mean}{preprocessor.std}'.encode())
        dataset: Any = images.dataset
        for i in images.indices:
            info = dataset.get_data_info(i)
            path = info['img_path']
            stat = os.stat(path) if os.path.isfile(path) else None
            state = stat and (stat.st_size, stat.st_mtime_ns)
            digest.update(f'{path}\t{_label(info)}\t{state}\n'.encode())
        return self.cache_dir / f'prototypes_{digest.hexdigest()[:16]}.npy'

    def _compute(self, model, images: Subset) -> torch.Tensor:
        share = range(get_rank(), len(images), get_world_size())
        loader = DataLoader(
            Subset(images, share),
            batch_size=self.batch_size,
            num_workers=self.num_workers,
            collate_fn=pseudo_collate,
        )

        def batches():
            shown = loader
            if get_rank() == 0:
                shown = track_iter_progress((loader, len(loader)))
            for batch in shown:
                batch = model.data_preprocessor(batch, training=False)
                labels = [_label(sample) for sample in batch['data_samples']]
                yield batch['inputs'], torch.tensor(labels)

        return class_prototypes(
            model.backbone,
            batches(),
            len(model.head.prototypes),
            self.normalize,
        )


def _plain_pipeline(cfg) -> list[dict]:
    """Transforms without augmentation: those of testing or validation."""
    for name in ('test_dataloader', 'val_dataloader'):
        if cfg.get(name) is not None:
            return cfg[name].dataset.pipeline
    raise ValueError(
        'the config has neither a test_dataloader nor a val_dataloader, whose '
        'pipeline prototypes would be computed with: give PrototypeHook a '
        'pipeline without augmentation'
    )


def _label(sample) -> int:
    """Class of a sample or its record: the label, or the largest target."""
    score = sample.get('gt_score')
    if score is None:
        return int(sample.get('gt_label'))
    return int(torch.as_tensor(score).argmax())


def _load(path: Path | None) -> torch.Tensor | None:
    """Read the cache on the main process, for all.

    Ranks that looked for themselves could disagree, and then wait for each
    other for ever.
    """
    found: list[torch.Tensor | None] = [None]
    if path is not None and is_main_process() and path.is_file():
        found = [torch.from_numpy(np.load(path))]
    broadcast_object_list(found)
    return found[0]


@master_only
def _save(path: Path, prototypes: np.ndarray) -> None:
    with atomic_write(path) as part, part.open('wb') as file:
        np.save(file, prototypes)
