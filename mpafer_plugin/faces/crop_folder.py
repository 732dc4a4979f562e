"""Cut the faces out of a data set, whatever its layout."""

import multiprocessing
import os
import shutil
import signal
import threading
from collections.abc import Generator, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from functools import partial
from pathlib import Path

import cv2
from rich.progress import track

from mpafer_plugin.datasets.face_crop import CONTRACT
from mpafer_plugin.datasets.picture_endings import is_picture

from .crop_record import CropRecord, Row
from .face_crop import FaceCrop
from .prepare_picture import Outcome, prepare_picture
from .yunet import YuNet

_detector: YuNet | None = None  # of a worker process


def crop_folder(
    source: Path,
    target: Path,
    crop: FaceCrop,
    model: Path | None = None,
    jobs: int = 1,
) -> CropRecord:
    """Make a copy of a data set's folder with crops for pictures.

    Paths stay the same. Files that are no pictures by their ending, such as
    lists of labels, are copied. What is there of an earlier run is kept.

    Args:
        source (Path): The data set's folder; links in it are followed.
        target (Path): The folder of the crops.
        crop (FaceCrop): The contract.
        model (Path, optional): See :func:`find_yunet`. Defaults to None.
        jobs (int): Number of processes. Defaults to 1, this one.

    Returns:
        CropRecord: The rows of all pictures.

    Raises:
        ValueError: If the folders don't fit each other, there are no
            pictures, or the target holds something else.
    """
    if not source.is_dir():
        raise ValueError(f'{source} is no folder')
    if (source / CONTRACT).exists():
        raise ValueError(f'{source} holds crops already: it has {CONTRACT}')
    inner, outer = target.resolve(), source.resolve()
    if inner.is_relative_to(outer) or outer.is_relative_to(inner):
        raise ValueError(
            f'{source} and {target}: one of the folders is in the other'
        )
    files = sorted(_files(source, ''))
    pictures = [path for path in files if is_picture(path)]
    if not pictures:
        raise ValueError(f'{source} holds no pictures among its files')
    record = CropRecord(target, crop)
    try:
        todo = [path for path in pictures if not record.is_done(path)]
        outcomes = _outcomes([source / p for p in todo], crop, model, jobs)
        with closing(outcomes):
            tracked = track(outcomes, 'cropping', len(todo))
            for path, outcome in zip(todo, tracked, strict=True):
                row = Row(path, outcome.result, outcome.faces, outcome.reason)
                record.add(row, outcome.content)
        for path in files:
            if not is_picture(path):
                _copy(source / path, target / path)
        record.finish(pictures)
    finally:
        record.close()
    return record


def _files(
    root: Path, folder: str, above: tuple[str, ...] = ()
) -> Iterator[str]:
    """List all files below a folder, relative to the root, with slashes."""
    real = os.path.realpath(root / folder)
    if real in above:
        raise ValueError(
            f'{root / folder}: the link leads back to {real!r}, which holds it'
        )
    with os.scandir(root / folder) as entries:
        for entry in entries:
            path = f'{folder}/{entry.name}' if folder else entry.name
            if entry.is_dir():
                yield from _files(root, path, (*above, real))
            else:
                yield path


def _outcomes(
    paths: list[Path], crop: FaceCrop, model: Path | None, jobs: int
) -> Generator[Outcome]:
    """Prepare pictures, in order."""
    if jobs == 1 or not paths:
        detector = crop.build_detector(model)
        yield from (prepare_picture(path, crop, detector) for path in paths)
        return
    # Started anew, not forked: OpenCV's and torch's threads don't survive it.
    # A pool of multiprocessing would wait for ever for a worker that was
    # killed for its memory.
    executor = ProcessPoolExecutor(
        jobs,
        multiprocessing.get_context('spawn'),
        _start_worker,
        (crop, model),
    )
    try:
        yield from executor.map(partial(_prepare, crop), paths, chunksize=8)
    finally:
        executor.shutdown(cancel_futures=True)


def _start_worker(crop: FaceCrop, model: Path | None) -> None:
    global _detector
    # Ctrl-C reaches all processes; the first one ends the others in order.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # Killed without a chance to, it would leave the others waiting for ever.
    threading.Thread(target=_end_with_parent, daemon=True).start()
    cv2.setNumThreads(1)
    _detector = crop.build_detector(model)


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)


def _prepare(crop: FaceCrop, path: Path) -> Outcome:
    assert _detector is not None
    return prepare_picture(path, crop, _detector)


def _copy(source: Path, target: Path) -> None:
    """Copy a file that is not there yet, whole or not at all."""
    if target.exists():
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f'.{target.name}.writing')
    try:
        shutil.copy2(source, part)
        os.replace(part, target)
    finally:
        part.unlink(missing_ok=True)
