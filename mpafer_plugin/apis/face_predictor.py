from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from ..utils.cpu_count import cpu_count
from .face_pipeline import FacePreparation
from .face_smoother import FaceSmoother
from .face_stream import Answer, FaceBoxes, Job, Keep, answer_jobs
from .fer_results import ImagePrediction, face_result
from .frames import Frame, Source, frames_of, is_address, is_camera

_FRAMES = 16  # video frames prepared ahead; they are large


class FacePredictor(ABC):
    """Prediction of all faces in images and videos, whatever the model.

    Args:
        prepare (FacePreparation): Reads images and prepares their faces.
        classes (Sequence[str]): Class names, in label order.
        batch_size (int): Faces in a batch, of several images.
        workers (int, optional): Threads that read images and detect faces.
            Defaults to None: the available CPUs, at most 8.
    """

    def __init__(
        self,
        prepare: FacePreparation,
        classes: Sequence[str],
        batch_size: int,
        workers: int | None = None,
    ):
        self.prepare = prepare
        self.classes = list(classes)
        self.batch_size = batch_size
        self.workers = workers or min(8, cpu_count())

    @abstractmethod
    def forward(self, inputs: Sequence[Any]) -> np.ndarray:
        """Classify faces.

        Args:
            inputs (Sequence[Any]): F faces, as :class:`FacePreparation` packs
                them.

        Returns:
            np.ndarray: Probabilities (F, C).
        """

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
        frames = frames_of(source, every)
        jobs = (Job((None, frame[:2]), frame) for frame in frames)
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

    def _predict(
        self,
        jobs: Iterable[Job],
        window: int | None = None,
        batch_size: int | None = None,
        keep: Keep | None = None,
    ) -> Iterator[ImagePrediction]:
        """Predict jobs whose names are path and frame.

        Args:
            jobs (Iterable[Job]): The images.
            window (int, optional): See :func:`answer_jobs`. Defaults to None:
                enough for full batches.
            batch_size (int, optional): Defaults to None: that of the
                predictor.
            keep (Callable, optional): See :meth:`FERInferencer.stream`.
                Defaults to None.

        Yields:
            ImagePrediction: In the order of the images.
        """
        for answer in self._answers(
            self.forward, jobs, window, batch_size, keep
        ):
            yield self._prediction(answer, answer.outputs)

    def _answers(
        self,
        forward: Callable[[list], Iterable],
        jobs: Iterable[Job],
        window: int | None = None,
        batch_size: int | None = None,
        keep: Keep | None = None,
    ) -> Iterator[Answer]:
        """Do as :meth:`_predict`, but yield the outputs of ``forward``."""

        def prepare(source: Any, boxes: FaceBoxes | None) -> tuple[list, Any]:
            image, faces = self.prepare(source, boxes)
            return faces, None if keep is None else keep(image, faces)

        return answer_jobs(
            jobs,
            prepare,
            forward,
            batch_size or self.batch_size,
            window or self.batch_size + self.workers,
            self.workers,
        )

    def _prediction(
        self, answer: Answer, probs: Sequence[np.ndarray]
    ) -> ImagePrediction:
        """Format an answer, with the probabilities (C,) of each face."""
        faces = [
            face_result(face.face, face.detected, values, self.classes)
            for face, values in zip(answer.faces, probs, strict=True)
        ]
        path, frame = answer.name
        return ImagePrediction(
            path, faces, answer.error, frame, kept=answer.kept
        )
