from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.config import Config
from torch import nn

from mpafer_plugin.faces import FaceCrop
from mpafer_plugin.utils.cpu_count import cpu_count

from .explanation import (
    Explanation,
    FaceExplanation,
    explain,
    explainable_parts,
)
from .face_pipeline import FacePreparation, collate_faces, find_batch_size
from .face_smoother import FaceSmoother
from .face_stream import Boxes, FaceBoxes, Job, Keep, answer_jobs, jobs_of
from .fer_results import FERResults, ImagePrediction, face_result
from .frames import Frame, Source, frames_of, is_address, is_camera
from .load_model import find_device, load_model

_FRAMES = 16  # video frames prepared ahead; they are large


class FERInferencer:
    """Facial expression recognition in images and videos.

    Args:
        model_or_config (str | Path | Config | nn.Module, optional): A
            checkpoint of ``PromptCheckpointHook``, which needs nothing else;
            or a model or config, with ``weights``. A path that ends in .py,
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
    ):
        device = find_device(device)
        self.batch_size = find_batch_size(batch_size, device.type)
        loaded = load_model(model_or_config, weights, clip, device, dtype)
        self._loaded = loaded
        self.classes = loaded.classes
        self.workers = workers or min(8, cpu_count())
        crop = loaded.crop(face, face_crop)
        self.prepare = FacePreparation(
            crop, face, loaded.pipeline, face_model, channel_order
        )
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
        window = self.batch_size + self.workers
        yield from self._predict(jobs, window, self.batch_size, explain, keep)

    def video(
        self, source: Source, smoothing: float | None = None, every: int = 1
    ) -> Iterator[tuple[int, float, list[dict]]]:
        """Detect and classify the faces of a video, frame by frame.

        Args:
            source (Source): See :func:`frames_of`. Frames of a camera or an
                address are answered one by one.
            smoothing (float, optional): See :class:`FaceSmoother`. Defaults
                to None.
            every (int): See :func:`frames_of`. Defaults to 1.

        Yields:
            tuple: Number of the frame, its time in seconds, and its faces.

        Raises:
            ImageError: If the source cannot be read.
        """
        for frame, faces in self.watch(source, smoothing, every):
            yield frame.number, frame.time, faces

    def watch(
        self, source: Source, smoothing: float | None = None, every: int = 1
    ) -> Iterator[tuple[Frame, list[dict]]]:
        """Do as :meth:`video`, but yield whole frames.

        Yields:
            tuple: :class:`Frame`, with its image, and its faces.
        """
        smooth = None
        if smoothing is not None:
            smooth = FaceSmoother(smoothing, self.classes)
        jobs = jobs_of(frames_of(source, every), None)
        window, batch_size = _FRAMES, self.batch_size
        if is_camera(source) or is_address(source):  # answered at once
            window = batch_size = 1
        for found in self._predict(
            jobs, window, batch_size, keep=lambda image, faces: image
        ):
            if found.error is not None:
                raise found.error
            assert found.frame is not None
            faces = smooth(found.faces) if smooth else found.faces
            yield Frame(*found.frame, found.kept), faces

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
        return scores.numpy()

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
        (found,) = self._predict([job], 1, self.batch_size, explain=True)
        if found.error is not None:
            raise found.error
        return list(found.explanations)

    def check_explainable(self) -> None:
        """Check that the predictions can be explained.

        Raises:
            ValueError: If the model is not :class:`PromptedCLIPViT` with
                :class:`PromptAlignmentHead`, or the test pipeline does more
                than resize.
        """
        if not self._loaded.resize:
            raise ValueError(
                'the test pipeline does more than resize, so the position of '
                'a patch in the image is not known'
            )
        explainable_parts(self.model)

    def _predict(
        self,
        jobs: Iterable[Job],
        window: int,
        batch_size: int,
        explain: bool = False,
        keep: Keep | None = None,
    ) -> Iterator[ImagePrediction]:
        """Predict jobs whose names are path and frame."""

        def prepare(source: Any, boxes: FaceBoxes | None) -> tuple[list, Any]:
            image, faces = self.prepare(source, boxes)
            return faces, None if keep is None else keep(image, faces)

        forward = self._explain if explain else self.forward
        for (path, frame), faces, outputs, kept, error in answer_jobs(
            jobs, prepare, forward, batch_size, window, self.workers
        ):
            results, explanations = [], []
            for face, output in zip(faces, outputs, strict=True):
                probs = output
                if explain:
                    probs = output.probs[0].float().numpy()
                result = face_result(
                    face.face, face.detected, probs, self.classes
                )
                results.append(result)
                if explain:
                    explanations.append(
                        FaceExplanation(result, output, face.matrix, face.size)
                    )
            yield ImagePrediction(
                path, results, error, frame, explanations, kept
            )

    def _explain(self, inputs: Sequence[dict]) -> list[Explanation]:
        batch = collate_faces(inputs, self.model)
        data = self.model.data_preprocessor(batch)
        found = explain(self.model, data['inputs']).cpu()
        return [found.of(index) for index in range(len(inputs))]
