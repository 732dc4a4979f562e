from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from torch import nn

from mpafer_plugin.faces import FaceCrop
from mpafer_plugin.utils.cpu_count import cpu_count

from .explanation import (
    Explanation,
    FaceExplanation,
    explain,
    explainable_parts,
)
from .face_pipeline import FacePreparation, PreparedFace
from .face_smoother import FaceSmoother
from .face_stream import Answer, Boxes, Job, Keep, answer_jobs, jobs_of
from .fer_results import FERResults, ImagePrediction, face_result
from .inputs import Frame, frames_of
from .load_model import load_model

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
        batch_size (int): Faces in a batch, of several images. Defaults to 32.
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
        batch_size: int = 32,
        face_model: str | Path | None = None,
        clip: str | None = None,
        face_crop: FaceCrop | None = None,
        workers: int | None = None,
    ):
        if batch_size < 1:
            raise ValueError(f'batch_size={batch_size!r} must be positive')
        device = find_device(device)
        loaded = load_model(model_or_config, weights, clip)
        self.classes = loaded.classes
        self._resize = loaded.resize
        self.batch_size = batch_size
        self.workers = workers or min(8, cpu_count())
        self.prepare = FacePreparation(
            loaded.crop(face, face_crop), face, loaded.pipeline, face_model
        )
        self.model: Any = loaded.model.to(device).eval()

    def __call__(self, inputs: Any, boxes: Boxes | None = None) -> FERResults:
        """Detect and classify the faces of images.

        Args:
            inputs: Images, folders or videos, see :func:`images_of`.
            boxes (Sequence, optional): Given faces of each image, (F, 4) x1,
                y1, x2, y2 in pixels, or None to detect them. Defaults to
                None.

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
        forward = self._explain if explain else self.forward
        for answer in self._answer(
            jobs, window, self.batch_size, forward, keep
        ):
            path, frame = answer.name
            explained = self._explained(answer) if explain else []
            faces = (
                [face.face for face in explained]
                if explain
                else self._results(answer)
            )
            yield ImagePrediction(
                path, faces, answer.error, frame, explained, answer.kept
            )

    def video(
        self, source: str | Path | int, smoothing: float | None = None
    ) -> Iterator[tuple[int, float, list[dict]]]:
        """Detect and classify the faces of a video, frame by frame.

        Args:
            source (str | Path | int): A file, or the number of a camera.
            smoothing (float, optional): See :class:`FaceSmoother`. Defaults
                to None.

        Yields:
            tuple: Number of the frame, its time in seconds, and its faces.

        Raises:
            ImageError: If the source cannot be read.
        """
        for frame, faces in self.watch(source, smoothing):
            yield frame.number, frame.time, faces

    def watch(
        self, source: str | Path | int, smoothing: float | None = None
    ) -> Iterator[tuple[Frame, list[dict]]]:
        """Do as :meth:`video`, but yield whole frames.

        Yields:
            tuple: :class:`Frame`, with its image, and its faces.
        """
        smooth = None
        if smoothing is not None:
            smooth = FaceSmoother(smoothing, self.classes)
        jobs = (Job(frame, frame.image) for frame in frames_of(source))
        # A camera's frames are answered at once.
        limits = (
            (1, 1) if isinstance(source, int) else (_FRAMES, self.batch_size)
        )
        for answer in self._answer(jobs, *limits, self.forward):
            if answer.error is not None:
                raise answer.error
            faces = self._results(answer)
            yield answer.name, smooth(faces) if smooth else faces

    @torch.no_grad()
    def forward(self, inputs: Sequence[dict]) -> np.ndarray:
        """Classify faces as the test loop does.

        Args:
            inputs (Sequence[dict]): F outputs of the test pipeline.

        Returns:
            np.ndarray: Probabilities (F, C).
        """
        samples = self.model.test_step(pseudo_collate(inputs))
        scores = torch.stack([sample.pred_score for sample in samples])
        return scores.float().cpu().numpy()

    def explain(
        self,
        source: str | Path | np.ndarray,
        boxes: Sequence[Sequence[float]] | None = None,
    ) -> list[FaceExplanation]:
        """Explain the prediction of each face of one image.

        Args:
            source (str | Path | np.ndarray): A file or (H, W, 3) BGR.
            boxes (Sequence, optional): Given faces, (F, 4). Defaults to
                None: detect them.

        Returns:
            list[FaceExplanation]: Empty without a face.

        Raises:
            ImageError: If the image cannot be read.
            ValueError: If the array or a box is not valid, or as in
                :meth:`check_explainable`.
        """
        self.check_explainable()
        job = Job(None, source, boxes)
        (answer,) = self._answer([job], 1, self.batch_size, self._explain)
        if answer.error is not None:
            raise answer.error
        return self._explained(answer)

    def check_explainable(self) -> None:
        """Check that the predictions can be explained.

        Raises:
            ValueError: If the model is not :class:`PromptedCLIPViT` with
                :class:`PromptAlignmentHead`, or the test pipeline does more
                than resize.
        """
        if not self._resize:
            raise ValueError(
                'the test pipeline does more than resize, so the position of '
                'a patch in the image is not known'
            )
        explainable_parts(self.model)

    def _answer(
        self,
        jobs: Iterable[Job],
        window: int,
        batch_size: int,
        forward: Callable[[list[dict]], Iterable],
        keep: Keep | None = None,
    ) -> Iterator[Answer]:
        def prepare(
            source: Any, boxes: Sequence[Sequence[float]] | None
        ) -> tuple[list[PreparedFace], Any]:
            image = self.prepare.read(source)
            faces = self.prepare(image, boxes)
            return faces, None if keep is None else keep(image, faces)

        return answer_jobs(
            jobs, prepare, forward, batch_size, window, self.workers
        )

    def _explain(self, inputs: Sequence[dict]) -> list[Explanation]:
        data = self.model.data_preprocessor(pseudo_collate(inputs))
        found = explain(self.model, data['inputs'])
        return [found.of(index) for index in range(len(inputs))]

    def _results(self, answer: Answer) -> list[dict]:
        return [
            face_result(face.face, face.detected, probs, self.classes)
            for face, probs in zip(answer.faces, answer.outputs, strict=True)
        ]

    def _explained(self, answer: Answer) -> list[FaceExplanation]:
        return [
            FaceExplanation.of(face, found, self.classes)
            for face, found in zip(answer.faces, answer.outputs, strict=True)
        ]


def find_device(device: str | torch.device | None) -> torch.device:
    """Choose a device and check that it can be used.

    Args:
        device (str | torch.device, optional): None: a GPU if available, else
            the CPU.

    Raises:
        ValueError: If the device does not exist or cannot be used.
    """
    if device is None:
        device = 'cuda' if torch.cuda.is_available() else 'cpu'
    try:
        return torch.empty(0, device=device).device
    # torch without CUDA raises AssertionError.
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0]
        raise ValueError(
            f'device={str(device)!r} cannot be used: {reason}'
        ) from error
