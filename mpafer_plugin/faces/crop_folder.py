"""Cut the faces out of a dataset, whatever its layout."""

import multiprocessing
import os
import shutil
import signal
import threading
from collections.abc import Generator
from concurrent.futures import ProcessPoolExecutor
from contextlib import AbstractContextManager, closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import cv2
from rich.progress import track

from mpafer_plugin.faces.face_crop import CROP_CONFIG
from mpafer_plugin.utils.atomic_write import atomic_write
from mpafer_plugin.utils.image_files import (
    IMG_EXTENSIONS,
    is_image,
    list_files,
)

from .crop_record import OWN_NAMES, PART, CropRecord, Row, stops_all
from .face import select_face
from .face_crop import FaceCrop
from .image_io import ImageError, is_readable_kind, read_image, share_large
from .yunet import YuNet

JPEG_QUALITY = 95


@dataclass(frozen=True)
class Outcome:
    """What became of an image.

    Args:
        result (str): 'one face', 'several faces', 'no face' or 'unreadable'.
        faces (int): How many were found.
        content (bytes, optional): The crop's file; None if there is none.
        reason (str): Why it is unreadable, or cannot be cut. Defaults to ''.
    """

    result: str
    faces: int = 0
    content: bytes | None = None
    reason: str = ''


def prepare_image(path: Path, crop: FaceCrop, detector: YuNet) -> Outcome:
    """Find the faces of an image, and cut out the one it is about.

    Args:
        path (Path): The image. Its ending says what the crop is written as,
            so that lists of file names stay right; a JPEG has quality 95.
        crop (FaceCrop): The crop config.
        detector (YuNet): What the crop config states.

    Returns:
        Outcome: With the crop as a file's content. One image that cannot
        be cut doesn't stop the others: it is 'unreadable', too.
    """
    # Reading from a pipe would wait for ever.
    if os.path.exists(path) and not os.path.isfile(path):
        return Outcome('unreadable', reason=f'{str(path)!r} is no file')
    try:
        return _crop_image(path, crop, detector)
    except ImageError as error:
        return Outcome('unreadable', reason=str(error))
    except (ValueError, OverflowError, MemoryError, cv2.error) as error:
        text = ' '.join(str(error).split()) or type(error).__name__
        return Outcome('unreadable', reason=f'{str(path)!r}: {text}')


def _crop_image(path: Path, crop: FaceCrop, detector: YuNet) -> Outcome:
    image = read_image(path)
    faces = detector.detect(image)
    face = select_face(faces, image.shape)
    if face is not None:
        cut = crop.crop(image, face)
    elif crop.no_face == 'whole':
        cut = crop.whole(image)
    else:
        return Outcome('no face')
    ending = path.suffix.lower()
    options = []
    if ending in ('.jpg', '.jpeg'):
        options = [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY]
    content = cv2.imencode(ending, cut, options)[1].tobytes()
    kinds = {0: 'no face', 1: 'one face'}
    return Outcome(kinds.get(len(faces), 'several faces'), len(faces), content)


_detector: YuNet | None = None  # of a worker process


def crop_folder(
    source: Path,
    target: Path,
    crop: FaceCrop,
    model: Path | None = None,
    jobs: int = 1,
) -> CropRecord:
    """Make a copy of a dataset's folder with crops for images.

    Paths stay the same. Files that are no images, such as lists of labels,
    are copied. What is there of an earlier run is kept. What cannot be read
    or copied has a row that says why, and stops nothing else.

    Args:
        source (Path): The dataset's folder; links in it are followed.
        target (Path): The folder of the crops.
        crop (FaceCrop): The crop config.
        model (Path, optional): See :func:`find_yunet`. Defaults to None.
        jobs (int): Number of processes. Defaults to 1, this one.

    Returns:
        CropRecord: The rows of all images, and of what is not copied.

    Raises:
        ValueError: If the folders don't fit each other, there are no
            images, the source holds crops or files with the tool's names,
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
    images = [path for path in files if is_image(path)]
    if not images:
        raise ValueError(f'{source} holds no images among its files')
    # What is wrong with it shows before the target is begun.
    detector = crop.build_detector(model)
    record = CropRecord(target, crop)
    try:
        todo = [path for path in images if not record.is_done(path)]
        paths = [source / path for path in todo]
        outcomes = _outcomes(paths, crop, model, jobs, detector)
        with closing(outcomes):
            tracked = track(outcomes, 'cropping', len(todo))
            for path, outcome in zip(todo, tracked, strict=True):
                row = Row(path, outcome.result, outcome.faces, outcome.reason)
                record.add(row, outcome.content)
        others = [path for path in files if not is_image(path)]
        for path in others:
            reason = copy_file(source, target, path)
            if reason:
                unreadable[path] = reason
        for path, reason in unreadable.items():
            record.add(Row(path, 'not copied', 0, reason), None)
        record.finish([*images, *unreadable])
    finally:
        record.close()
    return record


def _check_names(source: Path, files: list[str]) -> None:
    """Refuse what is cut already, and files that would be written over."""
    found = [source / path for path in files if _name(path) == CROP_CONFIG]
    found += [
        folder / CROP_CONFIG
        for folder in source.resolve().parents
        if (folder / CROP_CONFIG).is_file()
    ]
    if found:
        raise ValueError(f'{source} holds crops already: by {found[0]}')
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
    """Prepare images, in order."""
    if jobs == 1 or not paths:
        yield from (prepare_image(path, crop, detector) for path in paths)
        return
    # Started anew, not forked: OpenCV's and torch's threads don't survive it.
    # A pool of multiprocessing would wait for ever for a worker that was
    # killed for its memory.
    context = multiprocessing.get_context('spawn')
    arguments = crop, model, context.Lock()
    executor = ProcessPoolExecutor(jobs, context, _start_worker, arguments)
    try:
        yield from executor.map(partial(_work, crop), paths, chunksize=8)
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


def _work(crop: FaceCrop, path: Path) -> Outcome:
    assert _detector is not None
    return prepare_image(path, crop, _detector)


def copy_file(source: Path, target: Path, path: str) -> str:
    """Copy a file that is no image and is not there yet.

    Args:
        source (Path): The dataset's folder.
        target (Path): The folder of the copy.
        path (str): The file's, relative to both.

    Returns:
        str: Why it is not copied, or ''.

    Raises:
        OSError: If nothing can be written to the target.
    """
    if os.path.lexists(target / path):
        return ''
    file = source / path
    # Reading from a pipe would wait for ever.
    if not os.path.isfile(file):
        return f'{str(file)!r}: a broken link, a pipe, or out of reach'
    # Else a list of labels could bring it, uncropped, among crops.
    if is_readable_kind(file):
        return (
            f'{str(file)!r}: an image by its content, but only '
            f'{", ".join(IMG_EXTENSIONS)} are cropped, and names that start '
            'with a dot are not: store it as one of them, and rename it in '
            'lists'
        )
    try:
        with atomic_write(target / path, target / PART) as part:
            shutil.copy2(file, part)
    except OSError as error:
        if stops_all(error):
            raise
        return str(error)
    return ''
