import hashlib
import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.dataset import default_collate
from mmengine.dist import (
    broadcast_object_list,
    get_rank,
    get_world_size,
    is_main_process,
)
from mmengine.hooks import Hook
from mmengine.logging import MMLogger
from mmengine.utils import track_iter_progress
from mmpretrain.registry import HOOKS
from torch.utils.data import DataLoader, Subset

from mpafer_plugin.datasets.label_counts import LabelCounts, count_labels
from mpafer_plugin.datasets.worker_init import leave_signals_to_main
from mpafer_plugin.datasets.wrappers import without_augmentation
from mpafer_plugin.utils.atomic_write import atomic_write
from mpafer_plugin.utils.tensor_files import reading

from ..checkpoints.test_pipeline import pipeline_of
from ..distributed import unwrap_model
from ..precision import training_context, training_dtype
from ..prototypes import class_prototypes

CACHE_FORMAT = 1
"""Increased whenever the content under a key changes."""


@HOOKS.register_module()
class PrototypeHook(Hook):
    """Class prototypes, computed before training (Eq. 6).

    The training images pass once through the unprompted frozen tower, without
    augmentation. The prototype of a class is the mean of its global features,
    summed in float64; an image with a soft target only belongs to the class
    of its largest target. Several ranks share the images and get the same
    prototypes. Nothing is done for a head without ``loss_proto``.

    Args:
        pipeline (list[dict], optional): Transforms without augmentation.
            Defaults to None, which means those of the test dataset, or of
            the validation dataset if there is none, or ``test_pipeline`` of
            the config.
        samples_per_class (int, optional): Images used of each class, drawn
            at random with ``seed``; fewer where a class has fewer. Defaults
            to None, which means all (paper: all, or a subset).
        normalize (bool): L2-normalise each feature before the mean, so that
            every image counts alike. Defaults to True (ours; the paper
            leaves it open).
        seed (int): Seed of ``samples_per_class``. Defaults to 0.
        batch_size (int): Images per forward pass. Defaults to 64.
        num_workers (int, optional): Processes that load images. Defaults to
            None: as many as for training.
        cache_dir (str, optional): Folder that caches prototypes by a key of
            weights, images (paths, sizes, times) and options; ``~`` is the
            user's home. If it cannot be used, that is a warning. Defaults to
            None, which means no cache.

    Raises:
        ValueError: If ``samples_per_class`` is not positive, the backbone has
            no unprompted CLIP, or no pipeline is found.
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
        num_workers: int | None = None,
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
        folder = os.path.expanduser(cache_dir or '~')
        # Some containers have no home, and so no cache.
        usable = cache_dir and not folder.startswith('~')
        self.cache_dir = Path(folder) if usable else None

    def before_train(self, runner) -> None:
        """Set the prototypes of the runner's head."""
        model = unwrap_model(runner.model)
        # The host's tools that draw schedules train a stand-in without head.
        head = getattr(model, 'head', None)
        if getattr(head, 'loss_proto', None) is None:
            return
        if not hasattr(model.backbone, 'fingerprint'):
            raise ValueError(
                'prototypes need an unprompted CLIP; '
                f'{type(model.backbone).__name__} has none: use '
                'PromptedCLIPViT, or set model.head.loss_proto=None'
            )
        if runner.iter > 0 and model.head.prototypes.isfinite().all():
            runner.logger.info('class prototypes: those of the checkpoint')
            return

        pipeline = self.pipeline or pipeline_of(runner.cfg)
        if pipeline is None:
            raise ValueError(
                'the config has no pipeline in test_dataloader.dataset or '
                'val_dataloader.dataset, nor test_pipeline, to compute '
                'prototypes with: give PrototypeHook a pipeline without '
                'augmentation'
            )
        dataset = without_augmentation(
            runner.train_dataloader.dataset, pipeline
        )
        found = count_labels(
            dataset,
            'switch prototypes off with model.head.loss_proto=None',
        )
        indices = self._choose(found)
        images, labels = Subset(dataset, indices), found.labels[indices]
        path = self._cache_path(
            model, images, labels, pipeline, training_dtype(runner)
        )
        prototypes = load_cached(
            path, model.head.prototypes.shape, runner.logger
        )
        origin = f'from the cache {path}'
        if prototypes is None:
            with training_context(runner):
                prototypes = self._compute(
                    model, images, labels, runner.train_dataloader
                )
            origin = f'means over {len(indices)} images'
            if path is not None and is_main_process():
                try:
                    with atomic_write(path) as part, part.open('wb') as file:
                        np.save(file, prototypes.numpy())
                except OSError as error:
                    runner.logger.warning(f'prototypes not cached: {error}')
        model.head.set_prototypes(prototypes)
        runner.logger.info(f'class prototypes: {origin}')

    def _choose(self, found: LabelCounts) -> list[int]:
        """Return the indices of the images that are used."""
        labels = found.labels
        if self.samples_per_class is None:
            return list(range(len(labels)))
        order = np.random.default_rng(self.seed).permutation(len(labels))
        chosen = [
            order[labels[order] == label][: self.samples_per_class]
            for label in range(len(found.classes))
        ]
        return sorted(np.concatenate(chosen).tolist())

    def _cache_path(
        self,
        model,
        images: Subset,
        labels: np.ndarray,
        pipeline: list[dict],
        dtype: str,
    ) -> Path | None:
        if self.cache_dir is None:
            return None
        digest = hashlib.sha256(model.backbone.fingerprint.encode())
        shape = tuple(model.head.prototypes.shape)
        rule = (CACHE_FORMAT, self.normalize, shape)
        digest.update(repr(rule).encode())
        digest.update(json.dumps(pipeline, sort_keys=True).encode())
        if dtype != 'float32':
            digest.update(dtype.encode())
        preprocessor = model.data_preprocessor
        digest.update(f'{preprocessor.mean}{preprocessor.std}'.encode())
        dataset: Any = images.dataset
        for i, label in zip(images.indices, labels, strict=True):
            info = dataset.get_data_info(i)
            path = info['img_path']
            stat = os.stat(path) if os.path.isfile(path) else None
            state = stat and (stat.st_size, stat.st_mtime_ns)
            line = f'{path}\t{label}\t{state}\n'
            if 'bbox' in info:
                crop = dataset.metainfo['face_crop']
                line += f'{info["bbox"]}\t{crop}\n'
            digest.update(line.encode(errors='surrogatepass'))
        return self.cache_dir / f'prototypes_{digest.hexdigest()[:16]}.npy'

    def _compute(
        self, model, images: Subset, labels: np.ndarray, train: DataLoader
    ) -> torch.Tensor:
        workers = self.num_workers
        share = range(get_rank(), len(images), get_world_size())
        loader = DataLoader(
            Subset(images, share),
            batch_size=self.batch_size,
            num_workers=train.num_workers if workers is None else workers,
            collate_fn=default_collate,
            pin_memory=train.pin_memory,
            worker_init_fn=leave_signals_to_main,
        )

        shown = loader
        if is_main_process():
            shown = track_iter_progress((loader, len(loader)))
        # A rank without images has no batches, but one empty chunk of labels.
        chunks = torch.from_numpy(labels[share]).split(self.batch_size)
        batches = (
            (model.data_preprocessor(batch, training=False)['inputs'], chunk)
            for batch, chunk in zip(shown, chunks, strict=False)
        )
        return class_prototypes(
            model.backbone,
            batches,
            len(model.head.prototypes),
            self.normalize,
        )


def load_cached(
    path: Path | None, shape: torch.Size, logger: MMLogger
) -> torch.Tensor | None:
    """Read the cache on the main process and broadcast it.

    Ranks that read it themselves could disagree and wait forever. A file that
    does not hold prototypes is no reason to stop: they are computed anew.
    """
    found: list[torch.Tensor | None] = [None]
    if path is not None and is_main_process() and path.exists():
        try:
            with reading(path, 'cached prototypes'):
                cached = torch.from_numpy(np.load(path))
                fits = cached.shape == shape and cached.is_floating_point()
                if not fits or not cached.isfinite().all():
                    raise ValueError(f'not finite values of {tuple(shape)}')
            found = [cached]
        except ValueError as error:
            logger.warning(f'prototypes are computed anew: {error}')
    broadcast_object_list(found)
    return found[0]
