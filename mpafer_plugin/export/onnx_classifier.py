from pathlib import Path

import torch
from mmengine.model import BaseModel
from mmpretrain.models.utils import ClsDataPreprocessor
from mmpretrain.structures import DataSample

from mpafer_plugin.apis.explanation import Explanation, top_patches

from .session import Session


class OnnxClassifier(BaseModel):
    """Exported model as a classifier of mmpretrain, for testing alone.

    Args:
        path (str | Path): A ``model.onnx``.
        device (str): Type of the device: 'cuda' if this onnxruntime can use
            it, which warns otherwise; else the CPU. Defaults to 'cpu'.

    Attributes:
        meta (ExportMeta): Its description.

    Raises:
        ImportError, FileNotFoundError, ValueError: See :class:`Session`.
    """

    def __init__(self, path: str | Path, device: str = 'cpu'):
        # Images are loaded as BGR; the graph normalises.
        super().__init__(ClsDataPreprocessor(to_rgb=True))
        providers = ['CPUExecutionProvider']
        if device == 'cuda':  # onnxruntime itself warns if it cannot
            providers.insert(0, 'CUDAExecutionProvider')
        self.path = path
        self.session = Session(path, providers=providers)
        self.meta = self.session.meta

    def forward(
        self,
        inputs: torch.Tensor,
        data_samples: list[DataSample] | None = None,
        mode: str = 'tensor',
    ) -> torch.Tensor | list[DataSample]:
        """Classify images.

        Args:
            inputs (torch.Tensor): (B, 3, H, W), RGB in 0 to 255.
            data_samples (list[DataSample], optional): B samples, to which
                predictions are added. Defaults to None.
            mode (str): 'tensor' or 'predict'. Defaults to 'tensor'.

        Returns:
            torch.Tensor | list[DataSample]: Logits (B, C); for 'predict'
            samples with ``pred_score`` (C,) and ``pred_label`` (1,).

        Raises:
            ValueError: If the mode is another one: it cannot be trained.
        """
        if mode not in ('tensor', 'predict'):
            raise ValueError(
                f"mode={mode!r}: an exported model has 'tensor' and 'predict'"
            )
        outputs = self.session(inputs.float().cpu().numpy())
        if mode == 'tensor':
            return torch.from_numpy(outputs['logits']).to(inputs.device)
        probs = torch.from_numpy(outputs['probabilities']).to(inputs.device)
        samples = data_samples or [DataSample() for _ in probs]
        classes = tuple(self.meta.classes)
        for sample, values in zip(samples, probs, strict=True):
            sample.set_pred_score(values).set_pred_label(values.argmax())
            sample.set_field(classes, 'model_classes', field_type='metainfo')
        return samples

    def check_explainable(self) -> None:
        """Check that there are local scores to explain with.

        Raises:
            ValueError: If the model has no output ``patches``.
        """
        if self.meta.grid is None:
            raise ValueError(
                f'{str(self.path)!r} has no output patches: export it with '
                '--patches, or give the checkpoint'
            )

    def explain(self, inputs: torch.Tensor) -> Explanation:
        """Explain predictions by local scores, without attention rollout.

        Args:
            inputs (torch.Tensor): (B, 3, H, W), RGB in 0 to 255.

        Raises:
            ValueError: See :meth:`check_explainable`.
        """
        self.check_explainable()
        outputs = self.session(inputs.float().cpu().numpy())
        probs, patches = (
            torch.from_numpy(outputs[name])
            for name in ('probabilities', 'patches')
        )
        labels = probs.argmax(1)
        cosines = patches[range(len(labels)), :, labels]  # (B, N)
        chosen = top_patches(cosines, self.meta.top_k)
        grid = self.meta.grid
        return Explanation(
            probs,
            labels,
            cosines.unflatten(1, grid),
            chosen.unflatten(1, grid),
        )
