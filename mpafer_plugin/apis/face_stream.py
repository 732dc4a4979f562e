from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import Any, NamedTuple

import numpy as np

from .face_preparation import PreparedFace
from .picture_sources import pictures_of

Boxes = Sequence[Sequence[Sequence[float]] | None]


class Job(NamedTuple):
    """A picture to look at: what names it, and what prepares it."""

    name: Any
    source: Any
    boxes: Sequence[Sequence[float]] | None = None


class Answer(NamedTuple):
    """What became of a job: faces, their probabilities (C,), or an error."""

    name: Any
    faces: list[PreparedFace]
    probs: list[np.ndarray]
    error: ValueError | OSError | None


def jobs_of(inputs: Any, boxes: Boxes | None) -> Iterator[Job]:
    """List the pictures of an inferencer's inputs, each with its boxes.

    Raises:
        ValueError: If there are not as many boxes as pictures.
    """
    pictures = pictures_of(inputs)
    if boxes is None:
        yield from (Job(path, source) for path, source in pictures)
        return
    number = 0
    for number, (path, source) in enumerate(pictures, 1):
        if number > len(boxes):
            break
        yield Job(path, source, boxes[number - 1])
    if number != len(boxes):
        raise ValueError(
            f'boxes has {len(boxes)} entries, one for each picture: there are '
            f'{"fewer" if number < len(boxes) else "more"} pictures'
        )


def answer_jobs(
    jobs: Iterable[Job],
    prepare: Callable[..., list[PreparedFace]],
    forward: Callable[[list[dict]], np.ndarray],
    batch_size: int,
    window: int,
    workers: int,
) -> Iterator[Answer]:
    """Prepare pictures in threads, classify faces in batches, keep the order.

    While the model works, the next pictures are read, so that it need not
    wait for them. Faces of several pictures go through it together.

    Args:
        jobs (Iterable[Job]): Taken one by one, as they are needed.
        prepare (Callable): From source and boxes to faces, in threads.
        forward (Callable): From F inputs to probabilities (F, C).
        batch_size (int): Faces that go through the model together; only the
            last batch may have fewer.
        window (int): Pictures that may be under way at a time.
        workers (int): Threads.

    Yields:
        Answer: One a job, in their order. A ValueError or OSError of
        ``prepare`` is its error; any other is raised.
    """
    jobs = iter(jobs)
    pool = ThreadPoolExecutor(workers)
    under_way: deque[tuple[Any, Future]] = deque()
    pictures: deque[tuple[Any, list[PreparedFace], Any]] = deque()
    waiting: deque[dict] = deque()  # inputs of the model
    probs: deque[np.ndarray] = deque()
    try:
        while True:
            for job in islice(jobs, window - len(under_way)):
                future = pool.submit(prepare, job.source, job.boxes)
                under_way.append((job.name, future))
            last = not under_way
            if not last:
                name, future = under_way.popleft()
                faces, error = _outcome(future)
                pictures.append((name, faces, error))
                waiting.extend(face.packed for face in faces)
            while len(waiting) >= batch_size or (last and waiting):
                size = min(batch_size, len(waiting))
                probs.extend(forward([waiting.popleft() for _ in range(size)]))
            while pictures and len(probs) >= len(pictures[0][1]):
                name, faces, error = pictures.popleft()
                own = [probs.popleft() for _ in faces]
                yield Answer(name, faces, own, error)
            if last:
                return
    finally:
        pool.shutdown(cancel_futures=True)


def _outcome(
    future: Future,
) -> tuple[list[PreparedFace], ValueError | OSError | None]:
    try:
        return future.result(), None
    except (ValueError, OSError) as error:
        return [], error
