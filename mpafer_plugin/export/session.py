from pathlib import Path

import numpy as np

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
        ValueError: If it was not written by ``mpafer export``.
    """

    def __init__(self, path: str | Path, **options):
        import onnxruntime

        options.setdefault('providers', ['CPUExecutionProvider'])
        self._session = onnxruntime.InferenceSession(path, **options)
        self.meta = ExportMeta.from_strings(
            self._session.get_modelmeta().custom_metadata_map
        )
        self._outputs = [x.name for x in self._session.get_outputs()]

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
