from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import Any, NamedTuple

import cv2
import numpy as np

from .face_pipeline import PreparedFace
from .fer_results import face_result
from .inputs import Frame, images_of

IMAGE_ERRORS = (ValueError, OSError, RuntimeError, cv2.error)
"""What an image may raise: it is that image's error, others go on."""

Boxes = Sequence[Sequence[Sequence[float]] | None]


class Job(NamedTuple):
    """An image to look at: what names it, and what prepares it.

    Where there is no image the source is the error that says why.
    """

    name: Any
    source: Any
    boxes: Sequence[Sequence[float]] | None = None


class Answer(NamedTuple):
    """What became of a job: faces, their probabilities (C,), or an error."""

    name: Any
    faces: list[PreparedFace]
    probs: list[np.ndarray]
    error: Exception | None

    def results(self, classes: Sequence[str]) -> list[dict]:
        """See :func:`face_result`."""
        return [
            face_result(face.face, face.scored, probs, classes)
            for face, probs in zip(self.faces, self.probs, strict=True)
        ]


def jobs_of(inputs: Any, boxes: Boxes | None) -> Iterator[Job]:
    """List the images of an inferencer's inputs, each with its boxes.

    Yields:
        Job: Its name is the file, and number and time of a frame, or None.

    Raises:
        ValueError: If there are not as many boxes as images.
    """
    images = images_of(inputs)
    if boxes is None:
        yield from (_job(path, source) for path, source in images)
        return
    number = 0
    for number, (path, source) in enumerate(images, 1):
        if number > len(boxes):
            break
        yield _job(path, source, boxes[number - 1])
    if number != len(boxes):
        raise ValueError(
            f'boxes has {len(boxes)} entries, one for each image: there are '
            f'{"fewer" if number < len(boxes) else "more"} images'
        )


def _job(
    path: str | None,
    source: Any,
    boxes: Sequence[Sequence[float]] | None = None,
) -> Job:
    if isinstance(source, Frame):
        return Job((path, source[:2]), source.image, boxes)
    return Job((path, None), source, boxes)


def answer_jobs(
    jobs: Iterable[Job],
    prepare: Callable[..., list[PreparedFace]],
    forward: Callable[[list[dict]], np.ndarray],
    batch_size: int,
    window: int,
    workers: int,
) -> Iterator[Answer]:
    """Prepare images in threads, classify faces in batches, keep the order.

    While the model works, the next images are read, so that it need not
    wait for them. Faces of several images go through it together.

    Args:
        jobs (Iterable[Job]): Taken one by one, as they are needed.
        prepare (Callable): From source and boxes to faces, in threads.
        forward (Callable): From F inputs to probabilities (F, C).
        batch_size (int): Faces that go through the model together; the last
            batch may have fewer, and where faces are rare any.
        window (int): Images that may be under way at a time, and as many
            more may wait for a batch.
        workers (int): Threads.

    Yields:
        Answer: One a job, in their order. What ``prepare`` raises of
        :data:`IMAGE_ERRORS` is its error; any other is raised.
    """
    jobs = iter(jobs)
    pool = ThreadPoolExecutor(workers)
    under_way: deque[tuple[Any, Future]] = deque()
    images: deque[tuple[Any, list[PreparedFace], Any]] = deque()
    waiting: deque[dict] = deque()  # inputs of the model
    probs: deque[np.ndarray] = deque()
    try:
        while True:
            for job in islice(jobs, window - len(under_way)):
                future = pool.submit(_prepared, prepare, job)
                under_way.append((job.name, future))
            last = not under_way
            if not last:
                name, future = under_way.popleft()
                faces, error = _outcome(future)
                images.append((name, faces, error))
                waiting.extend(face.packed for face in faces)
            # Where faces are rare a batch would be waited for without end.
            due = last or len(images) >= window
            while len(waiting) >= batch_size or (due and waiting):
                size = min(batch_size, len(waiting))
                probs.extend(forward([waiting.popleft() for _ in range(size)]))
            while images and len(probs) >= len(images[0][1]):
                name, faces, error = images.popleft()
                own = [probs.popleft() for _ in faces]
                yield Answer(name, faces, own, error)
            if last:
                return
    finally:
        pool.shutdown(cancel_futures=True)


def _prepared(
    prepare: Callable[..., list[PreparedFace]], job: Job
) -> list[PreparedFace]:
    if isinstance(job.source, Exception):
        raise job.source
    return prepare(job.source, job.boxes)


def _outcome(
    future: Future,
) -> tuple[list[PreparedFace], Exception | None]:
    try:
        return future.result(), None
    except IMAGE_ERRORS as error:
        return [], error
