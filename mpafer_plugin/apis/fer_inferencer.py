from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.config import Config
from torch import nn

from mpafer_plugin.faces import FaceCrop, bgr_reader, choose_crop

from .device import find_device
from .explanation import (
    Explanation,
    FaceExplanation,
    check_explainable,
    explain,
)
from .face_pipeline import FacePreparation, find_batch_size
from .face_predictor import FacePredictor
from .face_stream import Boxes, FaceBoxes, Job, Keep
from .fer_results import FERResults, ImagePrediction
from .inputs import jobs_of
from .load_model import load_model
from .model_inputs import CropPipeline, collate_faces


class FERInferencer(FacePredictor):
    """Facial expression recognition in images and videos.

    Args:
        model_or_config (str | Path | Config | nn.Module, optional): A
            checkpoint of ``PromptCheckpointHook``, or a model of ``mpafer
            export`` (.onnx, run by onnxruntime), which need nothing else; or
            a model or config, with ``weights``. A path that ends in .py,
            .json, .yaml or .yml is a config, which is executed.
        weights (str | Path, optional): Checkpoint for the model or config,
            or alone if ``model_or_config`` is None. Never executed, whatever
            its name. Defaults to None.
        device (str | torch.device, optional): Defaults to None: a GPU if
            available.
        face (str): 'yunet' detects faces; with 'none' the whole image is the
            face. Defaults to 'yunet'.
        batch_size (int | str): Faces in a batch, of several images. Defaults
            to 'auto', see :func:`find_batch_size`.
        face_model (str | Path, optional): Weights of YuNet, see
            :func:`find_yunet`. Defaults to None.
        clip (str, optional): CLIP weights of a checkpoint without config, a
            tag or a local file. Defaults to None: ``MPAFER_CLIP``, or else
            the tag used in training.
        face_crop (FaceCrop, optional): Crop of the faces. Defaults to None:
            the crop of the training, or, if it is not known, the default
            :class:`FaceCrop`, with a warning.
        workers (int, optional): Threads that read images and detect faces.
            Defaults to None: the available CPUs, at most 8.
        channel_order (str): Channels of given arrays, 'bgr' (OpenCV) or 'rgb'
            (Pillow, gradio), see :func:`to_bgr`. Defaults to 'bgr'.
        dtype (str): 'float32', 'bfloat16' or 'float16' of the towers; scores
            are float32. Defaults to 'auto': a given model as it is, else what
            is faster, see :func:`choose_dtype`.
        classes (Sequence[str], optional): Words to predict in place of the
            trained classes, such as ``['bored', 'in pain']``: zero-shot, by
            the trained context. Defaults to None.
        calibrated (bool): Divide the logits by the temperature that ``mpafer
            report --store-temperature`` stored in the checkpoint. Defaults to
            False.

    Attributes:
        model (nn.Module): On its device, in evaluation mode.
        classes (list[str]): Class names, in label order.

    Raises:
        ValueError: If an argument is not valid, or the checkpoint does not
            fit the model.

    Examples:
        >>> from mpafer_plugin.apis import FERInferencer
        >>> inferencer = FERInferencer('best.pth')
        >>> inferencer('people.jpg')[0][0]['pred_class']
        'happiness'
    """

    def __init__(
        self,
        model_or_config: str | Path | Config | nn.Module | None,
        weights: str | Path | None = None,
        device: str | torch.device | None = None,
        face: str = 'yunet',
        batch_size: int | str = 'auto',
        face_model: str | Path | None = None,
        clip: str | None = None,
        face_crop: FaceCrop | None = None,
        workers: int | None = None,
        channel_order: str = 'bgr',
        dtype: str = 'auto',
        classes: Sequence[str] | None = None,
        calibrated: bool = False,
    ):
        device = find_device(device)
        batch_size = find_batch_size(batch_size, device.type)
        if calibrated and classes is not None:
            raise ValueError(
                f'calibrated=True is for the trained classes, not for '
                f'classes={list(classes)!r}'
            )
        loaded = load_model(
            model_or_config, weights, clip, device, dtype, classes
        )
        if calibrated and loaded.temperature is None:
            raise ValueError(
                'calibrated=True, but no temperature is stored with the '
                'model: `mpafer report --store-temperature` stores one in its '
                'checkpoint'
            )
        self._temperature = loaded.temperature if calibrated else None
        prepare = FacePreparation(
            choose_crop(loaded.face_crop, face, face_crop),
            face,
            bgr_reader(channel_order),
            CropPipeline(loaded.pipeline),
            face_model,
        )
        super().__init__(prepare, loaded.classes, batch_size, workers)
        self._loaded = loaded
        self.model: Any = loaded.model

    def __call__(self, inputs: Any, boxes: Boxes | None = None) -> FERResults:
        """Detect and classify the faces of images.

        Args:
            inputs: Images, folders or videos, see :func:`images_of`.
            boxes (Sequence, optional): Given faces of each image, (F, 4) x1,
                y1, x2, y2 in pixels or F :class:`Face` with landmarks, or
                None to detect them. Defaults to None.

        Returns:
            FERResults: A list of faces for each image.

        Raises:
            ImageError: If an image cannot be read; :meth:`stream` continues.
        """
        found = []
        for prediction in self.stream(inputs, boxes):
            if prediction.error is not None:
                raise prediction.error
            found.append(prediction)
        return FERResults.of(found, self.classes)

    def stream(
        self,
        inputs: Any,
        boxes: Boxes | None = None,
        explain: bool = False,
        keep: Keep | None = None,
    ) -> Iterator[ImagePrediction]:
        """Predict image by image, and continue after images with errors.

        Args:
            inputs: See :meth:`__call__`.
            boxes (Sequence, optional): See :meth:`__call__`.
            explain (bool): Explain each face too, in the same forward pass.
                Defaults to False.
            keep (Callable, optional): Called in the reading threads with the
                decoded image, (H, W, 3) BGR, and its prepared faces; its
                result is the prediction's ``kept``. Up to two windows of
                ``batch_size + workers`` results are held at a time, so it
                should return less than a full-size image. Defaults to None.

        Yields:
            ImagePrediction: In the order of the images.

        Raises:
            ValueError: If the numbers of boxes and images differ, or as in
                :meth:`check_explainable`.
        """
        if explain:
            self.check_explainable()
        jobs = jobs_of(inputs, boxes)
        predict = self._predict_and_explain if explain else self._predict
        yield from predict(jobs, keep=keep)

    @torch.no_grad()
    def forward(self, inputs: Sequence[dict]) -> np.ndarray:
        """Classify faces as the test loop does.

        Args:
            inputs (Sequence[dict]): F outputs of the test pipeline.

        Returns:
            np.ndarray: Probabilities (F, C).
        """
        with self._loaded.autocast():
            samples = self.model.test_step(collate_faces(inputs, self.model))
        scores = torch.stack([s.pred_score for s in samples]).float().cpu()
        if not scores.isfinite().all():
            raise ValueError("the model's scores are not finite")
        return self._calibrate(scores).numpy()

    def _calibrate(self, probs: torch.Tensor) -> torch.Tensor:
        """Return the probabilities (F, C) at the stored temperature."""
        if self._temperature is None:
            return probs
        tiny = torch.finfo(probs.dtype).tiny
        return (probs.clamp(tiny).log() / self._temperature).softmax(-1)

    def explain(
        self, source: Any, boxes: FaceBoxes | None = None
    ) -> list[FaceExplanation]:
        """Explain the prediction of each face of one image.

        Args:
            source: A file or an image in memory, see :func:`to_bgr`.
            boxes (Sequence, optional): Given faces, see :meth:`__call__`.

        Returns:
            list[FaceExplanation]: Empty without a face.

        Raises:
            ImageError: If the image cannot be read.
            ValueError: If the array or a box is not valid, or as in
                :meth:`check_explainable`.
        """
        self.check_explainable()
        job = Job((None, None), source, boxes)
        (found,) = self._predict_and_explain([job])
        if found.error is not None:
            raise found.error
        return list(found.explanations)

    def check_explainable(self) -> None:
        """Check that the predictions can be explained.

        Raises:
            ValueError: If the model is not :class:`PromptedCLIPViT` with
                :class:`PromptAlignmentHead`, or was exported without
                ``patches``, or the test pipeline does more than resize.
        """
        if not self._loaded.resize:
            raise ValueError(
                'the test pipeline does more than resize, so the position of '
                'a patch in the image is not known'
            )
        check_explainable(self.model)

    def _predict_and_explain(
        self, jobs: Iterable[Job], keep: Keep | None = None
    ) -> Iterator[ImagePrediction]:
        for answer in self._answers(self._explain, jobs, keep=keep):
            probs = [x.probs[0].float().numpy() for x in answer.outputs]
            found = self._prediction(answer, probs)
            explanations = [
                FaceExplanation(result, explanation, face.matrix, face.size)
                for result, explanation, face in zip(
                    found.faces, answer.outputs, answer.faces, strict=True
                )
            ]
            yield found._replace(explanations=explanations)

    def _explain(self, inputs: Sequence[dict]) -> list[Explanation]:
        batch = collate_faces(inputs, self.model)
        data = self.model.data_preprocessor(batch)
        found = explain(self.model, data['inputs']).cpu()
        found = replace(found, probs=self._calibrate(found.probs.float()))
        return [found.of(index) for index in range(len(inputs))]
