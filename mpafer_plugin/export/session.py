from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from ..utils.quoting import quote
from .metadata import ExportMeta


class Session:
    """Exported model in onnxruntime.

    Args:
        path (str | Path): A ``model.onnx``.
        **options: Options of ``onnxruntime.InferenceSession``, such as
            ``providers``. Defaults to the CPU.

    Attributes:
        meta (ExportMeta): Its description.

    Raises:
        ImportError: If onnxruntime is not installed.
        FileNotFoundError: If there is no such file.
        ValueError: If it is no ONNX model, or was not written by ``mpafer
            export``.
    """

    def __init__(self, path: str | Path, **options: Any):
        self._arguments = path, options
        try:
            import onnxruntime
        except ImportError as error:
            raise ImportError(
                f'{str(path)!r} needs onnxruntime: pip install onnxruntime, '
                'or mpafer_plugin[onnx]'
            ) from error
        if not Path(path).is_file():
            raise FileNotFoundError(f'no file {str(path)!r}')
        options.setdefault('providers', ['CPUExecutionProvider'])
        try:
            self._session = onnxruntime.InferenceSession(path, **options)
            strings = self._session.get_modelmeta().custom_metadata_map
            given = {x.name: x.shape[1:] for x in self._session.get_inputs()}
            found = {x.name: x.shape[1:] for x in self._session.get_outputs()}
        except Exception as error:  # onnxruntime's derive from nothing else
            raise ValueError(f'{str(path)!r}: {error}') from error
        try:
            self.meta = ExportMeta.from_strings(strings)
        except ValueError as error:
            raise ValueError(f'{str(path)!r}: {error}') from error
        self._outputs = list(found)
        scores = [len(self.meta.classes)]
        if given != dict(image=[3, *self.meta.input['size']]) or any(
            found.get(name) != scores for name in ('logits', 'probabilities')
        ):
            raise ValueError(
                f'{str(path)!r}: its metadata has classes='
                f'{quote(self.meta.classes)} and input={self.meta.input}, but '
                f'the model takes {given} and gives {found}'
            )

    def __reduce__(self) -> tuple:
        # onnxruntime's session cannot be pickled or copied.
        path, options = self._arguments
        return partial(Session, **options), (path,)

    def __call__(self, images: np.ndarray) -> dict[str, np.ndarray]:
        """Classify images.

        Args:
            images (np.ndarray): (B, 3, H, W), RGB in 0 to 255, float32.

        Returns:
            dict[str, np.ndarray]: ``logits`` and ``probabilities``, (B, C),
            and ``patches``, (B, N, C), if the model has this output.
        """
        values = self._session.run(self._outputs, dict(image=images))
        return dict(zip(self._outputs, values, strict=True))
