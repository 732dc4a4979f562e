from collections.abc import Sequence

import mmcv
import torch
from mmpretrain.engine.hooks import VisualizationHook
from mmpretrain.registry import HOOKS
from mmpretrain.structures import DataSample

from mpafer_plugin.datasets.categories import indices_by_name
from mpafer_plugin.utils.fonts import drawn_names
from mpafer_plugin.utils.image_files import printable

SIDE = 384  # pixels of the longer side of what is drawn


@HOOKS.register_module()
class FERVisualizationHook(VisualizationHook):
    """Predictions drawn on the image file.

    mmpretrain's own hook (1.2.0) draws the input of the network: at its small
    size, with red and blue swapped, and not at all under test-time
    augmentation. Here the file is read, in its own colors, at a size that
    fits text. If the model has other classes than the data, labels and
    predictions are each named by their own. Names may be in any script, see
    :func:`drawn_names`.

    Args:
        **kwargs: See :class:`mmpretrain.engine.hooks.VisualizationHook`.
    """

    def _draw_samples(
        self,
        batch_idx: int,
        data_batch: dict,
        data_samples: Sequence[DataSample],
        step: int = 0,
    ) -> None:
        images = dict(inputs=_Images(data_samples))
        # mmengine names drawings by the image, and OpenCV takes UTF-8 only.
        data_samples = [
            sample.new(
                metainfo=dict(
                    sample.metainfo, img_path=printable(sample.img_path)
                )
            )
            for sample in data_samples
        ]
        model = data_samples[0].get('model_classes')
        meta = self._visualizer.dataset_meta or {}
        known = meta.get('classes')
        if model is not None:
            data = known or model
            indices = indices_by_name(data, model)
            lacking = [n for n, i in zip(data, indices, strict=True) if i < 0]
            known = [*model, *lacking]
            indices = indices_by_name(data, known)
            data_samples = [
                sample.new().set_gt_label(
                    [indices[i] for i in sample.gt_label]
                )
                for sample in data_samples
            ]
        if known is not None:
            shown, fonts = drawn_names(known)
            text = dict(family=['monospace', *fonts], parse_math=False)
            given = self.draw_args.get('text_cfg', {})
            self.draw_args.update(classes=shown, text_cfg=text | given)
        super()._draw_samples(batch_idx, images, data_samples, step)


class _Images:
    """Lazy sequence of the samples' image files, (3, H, W)."""

    def __init__(self, samples: Sequence[DataSample]):
        self.samples = samples

    def __getitem__(self, index: int) -> torch.Tensor:
        path = self.samples[index].img_path
        image = mmcv.imread(path, channel_order='rgb')
        image = mmcv.imrescale(image, (SIDE, SIDE))
        return torch.from_numpy(image).permute(2, 0, 1)
