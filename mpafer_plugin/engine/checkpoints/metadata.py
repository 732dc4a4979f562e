"""Description of model, data and versions that is stored in a checkpoint."""

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

import mmengine
import mmpretrain
import torch
from torch import nn

from mpafer_plugin.faces import FaceCrop
from mpafer_plugin.models import (
    PromptAlignmentHead,
    PromptedCLIPText,
    PromptedCLIPViT,
)
from mpafer_plugin.utils.quoting import quote
from mpafer_plugin.version import __version__

from .file import file_name, fits
from .metadata_kinds import KINDS, SETTINGS

FORMAT = 1
ENTRY = 'mpafer'
"""Key of the description in a checkpoint."""


@dataclass(frozen=True)
class CheckpointMeta:
    """Description of the model and data that a checkpoint belongs to.

    It is stored as plain data under the key ``mpafer``. Parts of the model
    that are not from this package are described by None.

    Attributes:
        format (int): Version of this format.
        versions (dict[str, str]): Versions of the packages that wrote it.
        tensors (list[str], optional): Names of the tensors in the file.
        classes (list[str], optional): Names of the C classes, in label order.
        prompt_words (list[str], optional): Word of each class in a prompt.
        image_tower (dict, optional): ``arch``, an open_clip name or the name
            of an architecture file, ``fingerprint`` of the weights, and
            ``image_size`` [h, w] in pixels if it is not the architecture's.
        text_tower (dict, optional): The first two of the text tower.
        hard_prompts (list[list[str]], optional): Descriptions of each class.
        hard_prompts_digest (str, optional): Their digest.
        settings (dict, optional): Arguments of the head and of the data
            preprocessor, and the CLIP weights (of a local file the name
            only). Prompt and context lengths follow from the tensors. None
            for models other than a frozen :class:`PromptedCLIPViT` with
            :class:`PromptAlignmentHead` and :class:`PromptedCLIPText`.
        face_crop (dict, optional): Crop config of the training data; None if
            the images were used as released.
        resize (dict, optional): ``scale`` [w, h] in pixels and
            ``interpolation`` of the test pipeline; None if it does more than
            resize.
        calibration (dict, optional): ``temperature`` that divides the logits,
            and the number of validation ``images`` that it was fitted on.
        absent (frozenset[str]): Keys that an older version did not write.
    """

    format: int
    versions: dict[str, str]
    tensors: list[str] | None
    classes: list[str] | None
    prompt_words: list[str] | None
    image_tower: dict[str, Any] | None
    text_tower: dict[str, Any] | None
    hard_prompts: list[list[str]] | None
    hard_prompts_digest: str | None
    settings: dict[str, Any] | None
    face_crop: dict[str, Any] | None
    resize: dict[str, Any] | None
    calibration: dict[str, Any] | None = None
    absent: frozenset[str] = frozenset()

    @classmethod
    def from_model(
        cls,
        model: nn.Module,
        face_crop: dict | None = None,
        resize: dict | None = None,
    ) -> 'CheckpointMeta':
        """Describe a classifier.

        Args:
            model (nn.Module): A classifier.
            face_crop (dict, optional): See :class:`CheckpointMeta`.
            resize (dict, optional): See :class:`CheckpointMeta`.
        """
        text = getattr(getattr(model, 'head', None), 'text', None)
        return cls(
            format=FORMAT,
            versions=dict(
                mpafer_plugin=__version__,
                torch=str(torch.__version__),
                mmengine=mmengine.__version__,
                mmpretrain=mmpretrain.__version__,
                open_clip=version('open_clip_torch'),
            ),
            tensors=list(model.state_dict()),
            classes=text and list(text.classes),
            prompt_words=text and list(text.words),
            image_tower=_tower_of(getattr(model, 'backbone', None)),
            text_tower=_tower_of(text),
            hard_prompts=text and text.hard_texts,
            hard_prompts_digest=text and text.descriptions_digest,
            settings=_settings(model),
            face_crop=face_crop,
            resize=resize,
        )

    @classmethod
    def from_checkpoint(cls, checkpoint: dict) -> 'CheckpointMeta | None':
        """Read the description in a checkpoint, which is not trusted.

        Returns:
            CheckpointMeta | None: None if another program wrote it.

        Raises:
            ValueError: If a value is not of the kind that is written, or a
                later version wrote the format. The value is quoted.
        """
        if ENTRY not in checkpoint:
            return None
        entry = checkpoint[ENTRY]
        if not isinstance(entry, dict):
            raise ValueError(f'{ENTRY}={quote(entry)} is not a dict')
        for name, (kind, expected) in KINDS.items():
            value: Any = entry.get(name)
            optional = name not in ('format', 'versions')
            if not ((optional and value is None) or fits(value, kind)):
                raise ValueError(
                    f'its entry {ENTRY!r} is malformed: {name}='
                    f'{quote(value)} is not {expected}'
                )
            # Before the rest, which a later format may have changed.
            if name == 'versions' and entry['format'] > FORMAT:
                raise ValueError(
                    f'the checkpoint has format {entry["format"]}, this '
                    f'version reads up to {FORMAT}: update mpafer_plugin (it '
                    f'was written by {value["mpafer_plugin"]})'
                )
        settings = entry.get('settings')
        for name, (kind, expected) in SETTINGS.items():
            if settings is not None and not fits(settings.get(name), kind):
                raise ValueError(
                    f'its entry {ENTRY!r} is malformed: in settings {name}='
                    f'{quote(settings.get(name))} is not {expected}'
                )
        if entry.get('face_crop') is not None:
            FaceCrop.from_dict(entry['face_crop'])
        known: dict[str, Any] = {name: entry.get(name) for name in KINDS}
        return cls(**known, absent=frozenset(KINDS.keys() - entry.keys()))

    def to_dict(self) -> dict:
        """Return the description as plain data, for a checkpoint."""
        return {name: getattr(self, name) for name in KINDS}

    def compare(self, model: 'CheckpointMeta', resume: bool = False) -> None:
        """Check that the checkpoint's prompts mean the same in a model.

        Different hard prompts are logged as a warning: predictions do not
        depend on them.

        Args:
            model (CheckpointMeta): Description of the model.
            resume (bool): Whether training continues, for which different
                hard prompts are an error. Defaults to False.

        Raises:
            ValueError: If classes, their words or a tower differ.
        """
        mismatches = self.mismatches(
            model, ('classes', 'prompt_words', 'image_tower', 'text_tower')
        )
        if mismatches:
            raise ValueError(
                'the checkpoint does not belong to this model.\n'
                + '\n'.join(mismatches)
            )
        if self.hard_prompts_digest != model.hard_prompts_digest:
            message = (
                f'hard prompts: the checkpoint was trained with '
                f'{quote(self.hard_prompts)}, this model has '
                f'{quote(model.hard_prompts)}'
            )
            if resume:
                raise ValueError(message)
            mmengine.print_log(message, 'current', logging.WARNING)

    def mismatches(
        self, model: 'CheckpointMeta', names: Iterable[str]
    ) -> list[str]:
        """List which of the named fields differ, with both values."""
        values = [(x, getattr(self, x), getattr(model, x)) for x in names]
        return [
            f'{name}: the checkpoint has {own!s:.500}, this model {its!s:.500}'
            for name, own, its in values
            if _identity(own) != _identity(its)
        ]

    def differences(self, model: 'CheckpointMeta') -> list[str]:
        """List settings, with both values, that make predictions differ.

        What the checkpoint does not state is left out.

        Args:
            model (CheckpointMeta): Description of the model and of its test
                pipeline.
        """
        stored = self._prediction_settings()
        here = model._prediction_settings()
        return [
            f'{name}: {_shown(stored[name])} in the checkpoint, '
            f'{_shown(here[name])} here'
            for name in stored
            if name in here and stored[name] != here[name]
        ]

    def _prediction_settings(self) -> dict[str, Any]:
        settings = dict(self.settings or {})
        settings.pop('clip', None)  # the same weights have several names
        if 'resize' not in self.absent:
            settings |= self.resize or dict(scale=None, interpolation=None)
        return settings


def _shown(value: Any) -> str:
    return 'more than a resize' if value is None else repr(value)


def _identity(value: Any) -> Any:
    """Value to compare: a tower by its fingerprint, not its name."""
    return value['fingerprint'] if isinstance(value, dict) else value


def _tower_of(part: Any) -> dict[str, Any] | None:
    if not hasattr(part, 'fingerprint'):
        return None
    tower = dict(arch=file_name(part.arch), fingerprint=part.fingerprint)
    if getattr(part, 'image_size', None) is not None:
        tower['image_size'] = list(part.image_size)
    return tower


def _settings(model: nn.Module) -> dict[str, Any] | None:
    backbone: Any = getattr(model, 'backbone', None)
    head: Any = getattr(model, 'head', None)
    preprocessor: Any = getattr(model, 'data_preprocessor', None)
    if (
        type(backbone) is not PromptedCLIPViT
        or not backbone.tower.frozen
        or type(head) is not PromptAlignmentHead
        or type(head.text) is not PromptedCLIPText
        or backbone.out_type != 'aligned'
        or not isinstance(head.projection, nn.Identity)
        or not getattr(preprocessor, '_enable_normalize', False)
    ):
        return None
    scale: str | float = 'learnable'
    if not isinstance(head.log_scale, nn.Parameter):
        is_clips = head.log_scale == head.text.tower.logit_scale
        scale = 'clip' if is_clips else float(head.log_scale.exp())
    return dict(
        clip=backbone.pretrained and file_name(backbone.pretrained),
        mean=preprocessor.mean.flatten().tolist(),
        std=preprocessor.std.flatten().tolist(),
        to_rgb=preprocessor.to_rgb,
        top_k=head.top_k,
        local_weight=float(head.local_weight),
        proto_weight=float(head.proto_weight),
        logit_scale=scale,
    )
