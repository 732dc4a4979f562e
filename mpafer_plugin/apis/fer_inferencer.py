from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from torch import nn

from mpafer_plugin.faces import FaceCrop
from mpafer_plugin.usable_processors import usable_processors

from .device import find_device
from .explanation import explainable_parts
from .face_explanation import FaceExplanation, explain_faces
from .face_preparation import FacePreparation
from .face_smoother import FaceSmoother
from .face_stream import Answer, Boxes, Job, answer_jobs, jobs_of
from .fer_results import FERResults, PicturePrediction
from .picture_sources import Frame, frames_of
from .setting_sources import find_setting

_FRAMES = 16  # of a video, that are read ahead: they are large


class FERInferencer:
    """Faces in, expressions out.

    Args:
        model_or_config (str | Path | Config | nn.Module, optional): The path
            of a checkpoint of ``PromptCheckpointHook``, which is enough; or,
            with ``weights``, a model, or a config, which is executed: a path
            that ends in .py, .json, .yaml or .yml is one.
        weights (str | Path, optional): A checkpoint for the config or model,
            or, after None, alone: whatever its name is, it is read as data.
            Defaults to None.
        device (str | torch.device, optional): Defaults to None: a GPU if
            there is one.
        face (str): 'yunet' finds faces; with 'none' the whole picture is the
            face. Defaults to 'yunet'.
        batch_size (int): Faces, of several pictures, that go through the
            model together. Defaults to 32.
        face_model (str | Path, optional): YuNet's file, see
            :func:`find_yunet`. Defaults to None.
        clip (str, optional): CLIP weights for a checkpoint alone, a tag or a
            local file. Defaults to None: ``MPAFER_CLIP``, or else the tag
            that training used.
        face_crop (FaceCrop, optional): How faces are cut out. Defaults to
            None: as in the checkpoint's training, or, where that is not
            known, by the defaults of :class:`FaceCrop`, with a warning.
        workers (int, optional): Threads that read and find faces while the
            model works. Defaults to None: the processors that it may use, at
            most 8.

    Attributes:
        model (nn.Module): On its device, in evaluation mode.
        classes (list[str]): Names of the classes, in label order.

    Raises:
        ValueError: If an argument is not allowed, or checkpoint and model
            don't belong together.

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
            raise ValueError(f'batch_size={batch_size!r} is not positive')
        device = find_device(device)
        setting = find_setting(model_or_config, weights, clip)
        self.classes = setting.classes
        self._resize = setting.resize
        self.batch_size = batch_size
        self.workers = workers or min(8, usable_processors())
        self.prepare = FacePreparation(
            setting.crop(face, face_crop), face, setting.pipeline, face_model
        )
        self.model: Any = setting.model.to(device).eval()

    def __call__(self, inputs: Any, boxes: Boxes | None = None) -> FERResults:
        """Find and classify the faces of pictures.

        Args:
            inputs: Pictures, folders, videos, see :func:`pictures_of`.
            boxes (Sequence, optional): For each picture its faces, (F, 4) x1,
                y1, x2, y2 in pixels, or None, the default: looked for.

        Returns:
            FERResults: For each picture a list of faces.

        Raises:
            PictureError: If a picture can't be read; :meth:`stream` goes on.
        """
        found = []
        for prediction in self.stream(inputs, boxes):
            if prediction.error is not None:
                raise prediction.error
            found.append(prediction)
        return FERResults.of(found, self.classes)

    def stream(
        self, inputs: Any, boxes: Boxes | None = None
    ) -> Iterator[PicturePrediction]:
        """Do the same picture by picture, and go on behind bad inputs.

        Yields:
            PicturePrediction: In the order of the pictures.

        Raises:
            ValueError: If there are not as many boxes as pictures.
        """
        window = self.batch_size + self.workers
        jobs = jobs_of(inputs, boxes)
        for answer in self._answer(jobs, window, self.batch_size):
            path, frame = answer.name
            faces = answer.results(self.classes)
            yield PicturePrediction(path, faces, answer.error, frame)

    def video(
        self, source: str | Path | int, smoothing: float | None = None
    ) -> Iterator[tuple[int, float, list[dict]]]:
        """Find and classify the faces of a video, which is never held.

        Args:
            source (str | Path | int): A file, or the number of a camera,
                whose frames are answered one by one.
            smoothing (float, optional): See :class:`FaceSmoother`. Defaults
                to None.

        Yields:
            tuple: Number of the frame, its time in seconds, and its faces.

        Raises:
            PictureError: If the source can't be read.
        """
        for frame, faces in self.watch(source, smoothing):
            yield frame.number, frame.time, faces

    def watch(
        self, source: str | Path | int, smoothing: float | None = None
    ) -> Iterator[tuple[Frame, list[dict]]]:
        """Do the same, and give the pictures of the frames too.

        Yields:
            tuple: :class:`Frame`, and its faces.
        """
        smooth = None
        if smoothing is not None:
            smooth = FaceSmoother(smoothing, self.classes)
        camera = isinstance(source, int)
        jobs = (Job(frame, frame.picture) for frame in frames_of(source))
        limits = (1, 1) if camera else (_FRAMES, self.batch_size)
        for answer in self._answer(jobs, *limits):
            if answer.error is not None:
                raise answer.error
            faces = answer.results(self.classes)
            yield answer.name, smooth(faces) if smooth else faces

    @torch.no_grad()
    def forward(self, inputs: Sequence[dict]) -> np.ndarray:
        """Classify faces as the test loop does.

        Args:
            inputs (Sequence[dict]): What the test pipeline gives, F times.

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
        """Find the patches that decided, for each face of one picture.

        Args:
            source (str | Path | np.ndarray): A file or (H, W, 3) BGR.
            boxes (Sequence, optional): The picture's faces, (F, 4). Defaults
                to None, which means to look for them.

        Returns:
            list[FaceExplanation]: Empty if there is no face.

        Raises:
            ValueError: If the picture is refused, or as of
                :meth:`check_explainable`.
        """
        self.check_explainable()
        faces = self.prepare(source, boxes)
        return explain_faces(faces, self.model, self.classes, self.batch_size)

    def check_explainable(self) -> None:
        """Refuse :meth:`explain` before there is a picture.

        Raises:
            ValueError: If the model is of a kind that can't be explained, or
                the test pipeline does more than resize.
        """
        if not self._resize:
            raise ValueError(
                'the test pipeline does more than resize: where a patch lies '
                'in the picture is not known'
            )
        explainable_parts(self.model)

    def _answer(
        self, jobs: Iterable[Job], window: int, batch_size: int
    ) -> Iterator[Answer]:
        return answer_jobs(
            jobs, self.prepare, self.forward, batch_size, window, self.workers
        )
