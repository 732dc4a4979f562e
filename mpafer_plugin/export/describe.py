"""Description of a loaded model for its export."""

import time
from pathlib import Path
from typing import Any

from mpafer_plugin.apis.load_model import LoadedModel
from mpafer_plugin.engine.checkpoints.test_pipeline import resize_of
from mpafer_plugin.utils.hashing import sha256

from .metadata import ExportMeta

LICENSE = (
    'The code of mpafer_plugin is under the Apache License 2.0; the image '
    'tower has the license of its CLIP weights, and a trained model can be '
    'bound by the terms of its training data.'
)


def describe(
    loaded: LoadedModel,
    checkpoint: Path | None,
    patches: bool,
) -> ExportMeta:
    """Describe a model that is exported.

    Args:
        loaded (LoadedModel): The model.
        checkpoint (Path, optional): Its checkpoint.
        patches (bool): Whether it has the output ``patches``.

    Raises:
        ValueError: If its test pipeline does more than resize.
    """
    model: Any = loaded.model
    resize = resize_of([dict(type='LoadImageFromFile'), *loaded.pipeline])
    if resize is None:
        raise ValueError(
            'the test pipeline does more than resize, which a model without '
            f'it cannot do: {loaded.pipeline}'
        )
    text = getattr(model.head, 'text', None)
    towers = dict(image_tower=model.backbone, text_tower=text)
    return ExportMeta(
        classes=loaded.classes,
        words=text and list(text.words),
        input=dict(
            size=resize['scale'][::-1],
            color='RGB',
            range=[0, 255],
            interpolation=resize['interpolation'],
        ),
        grid=list(model.backbone.tower.grid) if patches else None,
        top_k=_top_k(model.head),
        crop=loaded.face_crop,
        fingerprints={
            name: part.fingerprint
            for name, part in towers.items()
            if hasattr(part, 'fingerprint')
        },
        license=LICENSE,
        checkpoint=None if checkpoint is None else _identity(checkpoint),
    )


def _top_k(head: Any) -> int | None:
    return head.top_k if getattr(head, 'local_weight', 0) else None


def _identity(path: Path) -> dict[str, str]:
    day = time.localtime(path.stat().st_mtime)
    return dict(
        file=path.name,
        sha256=sha256(path),
        date=time.strftime('%Y-%m-%d', day),
    )
