"""Cut the faces out of a data set, whatever its layout."""

import multiprocessing
import os
import signal
import threading
from collections.abc import Generator
from concurrent.futures import ProcessPoolExecutor
from contextlib import AbstractContextManager, closing
from functools import partial
from pathlib import Path

import cv2
from rich.progress import track

from mpafer_plugin.datasets.face_crop import CONTRACT
from mpafer_plugin.datasets.picture_endings import is_picture

from .crop_record import OWN_NAMES, CropRecord, Row
from .data_files import copy_file, list_files
from .face_crop import FaceCrop
from .picture import share_large
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

    Paths stay the same. Files that are no pictures, such as lists of labels,
    are copied. What is there of an earlier run is kept. What can not be read
    or copied has a row that says why, and stops nothing else.

    Args:
        source (Path): The data set's folder; links in it are followed.
        target (Path): The folder of the crops.
        crop (FaceCrop): The contract.
        model (Path, optional): See :func:`find_yunet`. Defaults to None.
        jobs (int): Number of processes. Defaults to 1, this one.

    Returns:
        CropRecord: The rows of all pictures, and of what is not copied.

    Raises:
        ValueError: If the folders don't fit each other, there are no
            pictures, the source holds crops or files with the tool's names,
            the target holds something else, or the model is none.
        OSError: If nothing can be read or written.
    """
    if not source.is_dir():
        raise ValueError(f'{source} is no folder')
    inner, outer = target.resolve(), source.resolve()
    if inner.is_relative_to(outer) or outer.is_relative_to(inner):
        raise ValueError(
            f'{source} and {target}: one of the folders is in the other'
        )
    unreadable: dict[str, str] = {}
    files = sorted(list_files(source, unreadable))
    _check_names(source, files)
    pictures = [path for path in files if is_picture(path)]
    if not pictures:
        raise ValueError(f'{source} holds no pictures among its files')
    # What is wrong with it shows before the target is begun.
    detector = crop.build_detector(model)
    record = CropRecord(target, crop)
    try:
        todo = [path for path in pictures if not record.is_done(path)]
        paths = [source / path for path in todo]
        outcomes = _outcomes(paths, crop, model, jobs, detector)
        with closing(outcomes):
            tracked = track(outcomes, 'cropping', len(todo))
            for path, outcome in zip(todo, tracked, strict=True):
                row = Row(path, outcome.result, outcome.faces, outcome.reason)
                record.add(row, outcome.content)
        others = [path for path in files if not is_picture(path)]
        for path in others:
            reason = copy_file(source, target, path)
            if reason:
                unreadable[path] = reason
        for path, reason in unreadable.items():
            record.add(Row(path, 'not copied', 0, reason), None)
        record.finish([*pictures, *unreadable])
    finally:
        record.close()
    return record


def _check_names(source: Path, files: list[str]) -> None:
    """Refuse what is cut already, and files that would be written over."""
    contracts = [source / path for path in files if _name(path) == CONTRACT]
    contracts += [
        folder / CONTRACT
        for folder in source.resolve().parents
        if (folder / CONTRACT).is_file()
    ]
    if contracts:
        raise ValueError(f'{source} holds crops already: by {contracts[0]}')
    taken = [name for name in OWN_NAMES if name in files]
    if taken:
        raise ValueError(
            f'{source} has {", ".join(taken)}, names of files that are '
            'written beside the crops: rename or move them'
        )


def _name(path: str) -> str:
    return path.rpartition('/')[2]


def _outcomes(
    paths: list[Path],
    crop: FaceCrop,
    model: Path | None,
    jobs: int,
    detector: YuNet,
) -> Generator[Outcome]:
    """Prepare pictures, in order."""
    if jobs == 1 or not paths:
        yield from (prepare_picture(path, crop, detector) for path in paths)
        return
    # Started anew, not forked: OpenCV's and torch's threads don't survive it.
    # A pool of multiprocessing would wait for ever for a worker that was
    # killed for its memory.
    context = multiprocessing.get_context('spawn')
    arguments = crop, model, context.Lock()
    executor = ProcessPoolExecutor(jobs, context, _start_worker, arguments)
    try:
        yield from executor.map(partial(_prepare, crop), paths, chunksize=8)
    finally:
        executor.shutdown(cancel_futures=True)


def _start_worker(
    crop: FaceCrop, model: Path | None, lock: AbstractContextManager
) -> None:
    global _detector
    share_large(lock)
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
