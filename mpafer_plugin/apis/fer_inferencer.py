from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from torch import nn

from mpafer_plugin.faces import FaceCrop
from mpafer_plugin.utils.cpu_count import cpu_count

from .explanation import FaceExplanation, explain_faces, explainable_parts
from .face_pipeline import FacePreparation
from .face_smoother import FaceSmoother
from .face_stream import Answer, Boxes, Job, answer_jobs, jobs_of
from .fer_results import FERResults, ImagePrediction
from .inputs import Frame, frames_of
from .load_model import load_model

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
        face (str): 'yunet' finds faces; with 'none' the whole image is the
            face. Defaults to 'yunet'.
        batch_size (int): Faces, of several images, that go through the
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
        """Find and classify the faces of images.

        Args:
            inputs: Images, folders, videos, see :func:`images_of`.
            boxes (Sequence, optional): For each image its faces, (F, 4) x1,
                y1, x2, y2 in pixels, or None, the default: looked for.

        Returns:
            FERResults: For each image a list of faces.

        Raises:
            ImageError: If an image cannot be read; :meth:`stream` goes on.
        """
        found = []
        for prediction in self.stream(inputs, boxes):
            if prediction.error is not None:
                raise prediction.error
            found.append(prediction)
        return FERResults.of(found, self.classes)

    def stream(
        self, inputs: Any, boxes: Boxes | None = None
    ) -> Iterator[ImagePrediction]:
        """Do the same image by image, and go on behind bad inputs.

        Yields:
            ImagePrediction: In the order of the images.

        Raises:
            ValueError: If there are not as many boxes as images.
        """
        window = self.batch_size + self.workers
        jobs = jobs_of(inputs, boxes)
        for answer in self._answer(jobs, window, self.batch_size):
            path, frame = answer.name
            faces = answer.results(self.classes)
            yield ImagePrediction(path, faces, answer.error, frame)

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
            ImageError: If the source cannot be read.
        """
        for frame, faces in self.watch(source, smoothing):
            yield frame.number, frame.time, faces

    def watch(
        self, source: str | Path | int, smoothing: float | None = None
    ) -> Iterator[tuple[Frame, list[dict]]]:
        """Do the same, and give the images of the frames too.

        Yields:
            tuple: :class:`Frame`, and its faces.
        """
        smooth = None
        if smoothing is not None:
            smooth = FaceSmoother(smoothing, self.classes)
        camera = isinstance(source, int)
        jobs = (Job(frame, frame.image) for frame in frames_of(source))
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
        """Find the patches that decided, for each face of one image.

        Args:
            source (str | Path | np.ndarray): A file or (H, W, 3) BGR.
            boxes (Sequence, optional): The image's faces, (F, 4). Defaults
                to None, which means to look for them.

        Returns:
            list[FaceExplanation]: Empty if there is no face.

        Raises:
            ValueError: If the image is refused, or as of
                :meth:`check_explainable`.
        """
        self.check_explainable()
        faces = self.prepare(source, boxes)
        return explain_faces(faces, self.model, self.classes, self.batch_size)

    def check_explainable(self) -> None:
        """Refuse :meth:`explain` before there is an image.

        Raises:
            ValueError: If the model is of a kind that cannot be explained, or
                the test pipeline does more than resize.
        """
        if not self._resize:
            raise ValueError(
                'the test pipeline does more than resize: where a patch lies '
                'in the image is not known'
            )
        explainable_parts(self.model)

    def _answer(
        self, jobs: Iterable[Job], window: int, batch_size: int
    ) -> Iterator[Answer]:
        return answer_jobs(
            jobs, self.prepare, self.forward, batch_size, window, self.workers
        )


def find_device(device: str | torch.device | None) -> torch.device:
    """Find the device that a model goes to, before anything is built.

    Args:
        device (str | torch.device, optional): None means a GPU if there is
            one, else the CPU.

    Raises:
        ValueError: If there is no such device, or it cannot be used.
    """
    if device is None:
        device = 'cuda' if torch.cuda.is_available() else 'cpu'
    try:
        return torch.empty(0, device=device).device
    # A torch without CUDA has an AssertionError for it.
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0]
        raise ValueError(
            f'device={str(device)!r} cannot be used: {reason}'
        ) from error
