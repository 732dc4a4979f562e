"""Ordered stream of images: reading in threads, faces in batches."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import Any, NamedTuple

import cv2
import numpy as np

from ..faces.face import Face
from .face_pipeline import PreparedFace

IMAGE_ERRORS = (ValueError, OSError, RuntimeError, cv2.error)
"""Errors that concern one image: they end its job, not the stream."""

FaceBoxes = Sequence[Sequence[float] | Face]  # (F, 4)
Boxes = Sequence[FaceBoxes | None]  # of each image
Keep = Callable[[np.ndarray, list[PreparedFace]], Any]
Prepare = Callable[[Any, FaceBoxes | None], tuple[list[PreparedFace], Any]]


class Job(NamedTuple):
    """Image to predict.

    Args:
        name (Any): Returned with the answer.
        source (Any): Argument of ``prepare``, or the exception that says why
            there is no image.
        boxes (Sequence, optional): Given faces, (F, 4). Defaults to None.
    """

    name: Any
    source: Any
    boxes: FaceBoxes | None = None


class Answer(NamedTuple):
    """Outcome of a job.

    Args:
        name (Any): The job's.
        faces (Sequence[PreparedFace]): Defaults to (), as after an error.
        outputs (Sequence): The model's, one for each face.
        kept (Any): Second result of ``prepare``; None after an error.
        error (Exception, optional): Error of the image.
    """

    name: Any
    faces: Sequence[PreparedFace] = ()
    outputs: Sequence = ()
    kept: Any = None
    error: Exception | None = None


def answer_jobs(
    jobs: Iterable[Job],
    prepare: Prepare,
    forward: Callable[[list[dict]], Iterable],
    batch_size: int,
    window: int,
    workers: int,
) -> Iterator[Answer]:
    """Prepare images in threads, run faces in batches, keep the order.

    While the model runs, threads prepare the next images. A batch holds faces
    of several images. A decoded image is released as soon as ``prepare``
    returns, unless its second result refers to it.

    Args:
        jobs (Iterable[Job]): Consumed as needed.
        prepare (Callable): Takes source and boxes; returns the faces, and
            anything to keep with the answer. Runs in the threads.
        forward (Callable): Takes F packed inputs; returns F outputs.
        batch_size (int): Faces in a batch. The last batch may be smaller, and
            any batch if few images have faces.
        window (int): Images in preparation at a time; as many prepared ones
            may wait for a batch.
        workers (int): Threads.

    Yields:
        Answer: One for each job, in order. Errors of ``prepare`` in
        :data:`IMAGE_ERRORS` are stored in it; others are raised.
    """
    jobs = iter(jobs)
    pool = ThreadPoolExecutor(workers)
    in_preparation: deque[tuple[Any, Future]] = deque()
    prepared: deque[Answer] = deque()  # outputs are still missing
    packed: deque[dict] = deque()
    outputs: deque = deque()
    try:
        while True:
            for job in islice(jobs, window - len(in_preparation)):
                future = pool.submit(_run, prepare, job)
                in_preparation.append((job.name, future))
            last = not in_preparation
            if not last:
                name, future = in_preparation.popleft()
                try:
                    faces, kept = future.result()
                except IMAGE_ERRORS as error:
                    prepared.append(Answer(name, error=error))
                else:
                    prepared.append(Answer(name, faces, kept=kept))
                    packed.extend(face.packed for face in faces)
            # If faces are rare, a full batch may never come.
            due = last or len(prepared) >= window
            while len(packed) >= batch_size or (due and packed):
                size = min(batch_size, len(packed))
                outputs.extend(
                    forward([packed.popleft() for _ in range(size)])
                )
            while prepared and len(outputs) >= len(prepared[0].faces):
                answer = prepared.popleft()
                own = [outputs.popleft() for _ in answer.faces]
                yield answer._replace(outputs=own)
            if last:
                return
    finally:
        pool.shutdown(cancel_futures=True)


def _run(prepare: Prepare, job: Job) -> tuple[list[PreparedFace], Any]:
    if isinstance(job.source, Exception):
        raise job.source
    return prepare(job.source, job.boxes)
