"""Description of an exported model; imports the standard library alone."""

import json
import reprlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

FORMAT = 1


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
            if version > FORMAT:
                raise ValueError(
                    f'the model has format {version!r}, this version reads up '
                    f'to {FORMAT}: update mpafer_plugin'
                )
            names = [x.name for x in fields(cls)]
            return cls(**{name: json.loads(strings[name]) for name in names})
        except (KeyError, TypeError, json.JSONDecodeError) as error:
            raise ValueError(
                'the model was not written by mpafer export: its metadata is '
                f'{reprlib.repr(dict(strings))} '
                f'({type(error).__name__}: {error})'
            ) from error

    def to_strings(self) -> dict[str, str]:
        """Return the metadata of the model: names and JSON."""
        return {name: json.dumps(x) for name, x in asdict(self).items()}
