"""Description of an exported model."""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from ..utils.numbers import is_whole
from ..utils.quoting import quote

FORMAT = 1

INTERPOLATIONS = ('nearest', 'bilinear', 'bicubic', 'area', 'lanczos')

PRECISIONS = ('float32', 'float16', 'int8')


def _are_names(value: Any) -> bool:
    return (
        isinstance(value, list)
        and bool(value)
        and all(isinstance(name, str) and name for name in value)
    )


def _is_pair(value: Any) -> bool:
    """Return whether a value is two whole numbers from 1 on."""
    return (
        isinstance(value, list)
        and len(value) == 2
        and all(is_whole(x, 1, 2**16) for x in value)
    )


def _is_input(value: Any) -> bool:
    return (
        isinstance(value, dict)
        and _is_pair(value.get('size'))
        and value.get('color') == 'RGB'
        and value.get('range') == [0, 255]
        and value.get('interpolation') in (*INTERPOLATIONS,)
    )


_KINDS: dict[str, Callable[[Any], bool]] = dict(
    classes=_are_names,
    words=lambda x: x is None or _are_names(x),
    input=_is_input,
    grid=lambda x: x is None or _is_pair(x),
    top_k=lambda x: x is None or is_whole(x, 1),
    crop=lambda x: x is None or isinstance(x, dict),  # FaceCrop checks it
    fingerprints=lambda x: isinstance(x, dict),
    license=lambda x: isinstance(x, str),
    checkpoint=lambda x: x is None or isinstance(x, dict),
    precision=lambda x: x in PRECISIONS,
    opset=is_whole,
    format_version=is_whole,
)
"""Of each value: whether it is of the kind that is written."""


@dataclass(frozen=True)
class ExportMeta:
    """Description of a ``model.onnx``, stored in its metadata as JSON.

    Attributes:
        classes (list[str]): Names of the C classes, in label order.
        words (list[str], optional): Word of each class as the text tower got
            it; None for a model without text.
        input (dict): ``size`` [h, w] in pixels, ``color`` 'RGB', ``range``
            [0, 255] and the ``interpolation`` by which crops are resized, as
            cv2 calls it in lower case.
        grid (list[int], optional): Rows and columns of patches; None if the
            model has no output ``patches``.
        top_k (int, optional): Patches in the local score of a class; None if
            the model has no local score.
        crop (dict, optional): Crop config of the training data; None if the
            images were used as released.
        fingerprints (dict[str, str]): Digest of each frozen tower,
            ``image_tower`` and ``text_tower``.
        license (str): A sentence about licences.
        checkpoint (dict, optional): ``file`` name, ``sha256`` and ``date`` of
            the checkpoint; None for a model without one.
        precision (str): 'float32', 'float16' or 'int8'.
        opset (int): Version of ONNX's operators.
        format_version (int): Version of this format.
    """

    classes: list[str]
    words: list[str] | None
    input: dict[str, Any]
    grid: list[int] | None
    top_k: int | None
    crop: dict[str, Any] | None
    fingerprints: dict[str, str]
    license: str
    checkpoint: dict[str, str] | None
    precision: str = 'float32'
    opset: int = 0  # set when the model is written
    format_version: int = FORMAT

    @classmethod
    def from_strings(cls, strings: Mapping[str, str]) -> 'ExportMeta':
        """Read the metadata of a model.

        Args:
            strings (Mapping[str, str]): Such as onnxruntime's
                ``session.get_modelmeta().custom_metadata_map``.

        Raises:
            ValueError: If it is not of a model of ``mpafer export``, or of a
                later version.
        """
        try:
            version = json.loads(strings['format_version'])
            if is_whole(version) and version > FORMAT:
                raise ValueError(
                    f'the model has format {version!r}, this version reads up '
                    f'to {FORMAT}: update mpafer_plugin'
                )
            names = [x.name for x in fields(cls)]
            found = {name: json.loads(strings[name]) for name in names}
        except (KeyError, RecursionError, json.JSONDecodeError) as error:
            raise ValueError(
                'the model was not written by mpafer export: its metadata is '
                f'{quote(dict(strings))} ({type(error).__name__}: {error})'
            ) from error
        for name, fits in _KINDS.items():
            if not fits(found[name]):
                raise ValueError(
                    'the model was not written by mpafer export: in its '
                    f'metadata {name} is {quote(found[name])}'
                )
        return cls(**found)

    def to_strings(self) -> dict[str, str]:
        """Return the metadata of the model: names and JSON."""
        return {name: json.dumps(x) for name, x in asdict(self).items()}
