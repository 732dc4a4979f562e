"""Crop the faces of a whole dataset, whatever its layout."""

import multiprocessing
import os
import shutil
import signal
import threading
from collections.abc import Generator, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path

import cv2
from rich.progress import track

from mpafer_plugin.utils.atomic_write import atomic_write
from mpafer_plugin.utils.image_files import list_files

from .crop_record import OWN_NAMES, PART, CropRecord, Row, is_fatal
from .face import select_face
from .face_crop import CROP_CONFIG, FaceCrop
from .image_io import (
    ImageError,
    image_format,
    is_image_file,
    read_image,
    share_large,
)
from .yunet import YuNet

JPEG_QUALITY = 95

_ENCODERS = {
    **dict.fromkeys(('.jpg', '.jpeg', '.jpe', '.jfif'), '.jpg'),
    **{name: name for name in ('.bmp', '.tif', '.tiff', '.webp', '.ppm')},
}
"""Extension of an image to that of OpenCV's encoder for its crop; PNG for all
others, as readers go by the content."""

_arguments: tuple[Path, FaceCrop, YuNet]  # of a worker process


def crop_folder(
    source: Path,
    target: Path,
    crop: FaceCrop,
    model: Path | None = None,
    jobs: int = 1,
) -> CropRecord:
    """Copy a dataset's folder with every image replaced by its face crop.

    Paths stay the same, and files that are not images, such as label lists,
    are copied. An interrupted run resumes. Files that cannot be read or
    copied get a row with the reason; the run continues.

    Args:
        source (Path): The dataset's folder; links in it are followed.
        target (Path): The folder to write.
        crop (FaceCrop): The crop config.
        model (Path, optional): See :func:`find_yunet`. Defaults to None.
        jobs (int): Number of processes. Defaults to 1: this process.

    Returns:
        CropRecord: Rows of all images and of the files not copied.

    Raises:
        ValueError: If one folder contains the other, the source has no
            images, holds crops already or has files with the tool's names,
            the target holds something else or is in use by another run, or
            the model file is not a face detector.
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
    _check_source(source, files)
    images = [path for path in files if is_image_file(source / path)]
    if not images:
        raise ValueError(f'{source} holds no images among its files')
    # A wrong model file is found before the target is created.
    detector = crop.build_detector(model)
    with closing(CropRecord(target, crop)) as record:
        todo = [path for path in images if not record.is_done(path)]
        if jobs == 1 or not todo:
            crops = (crop_image(path, source, crop, detector) for path in todo)
        else:
            crops = _crop_in_processes(source, todo, crop, model, jobs)
        with closing(crops):
            for row, content in track(crops, 'cropping', len(todo)):
                record.add(row, content)
        for path in sorted({*files}.difference(images)):
            reason = copy_file(source, target, path)
            if reason:
                unreadable[path] = reason
        for path, reason in unreadable.items():
            record.add(Row(path, 'not copied', reason=reason))
        record.finish([*images, *unreadable])
    return record


def _check_source(source: Path, files: list[str]) -> None:
    """Refuse folders of crops, and files that would be overwritten.

    Raises:
        ValueError: If there is a crop config in, below or above the folder,
            or a file with one of the tool's names.
    """
    found = [source / f for f in files if Path(f).name == CROP_CONFIG]
    found += [
        folder / CROP_CONFIG
        for folder in source.resolve().parents
        if (folder / CROP_CONFIG).is_file()
    ]
    if found:
        raise ValueError(f'{source} holds crops already: found {found[0]}')
    taken = [name for name in OWN_NAMES if name in files]
    if taken:
        raise ValueError(
            f'{source} has {", ".join(taken)}, names of files that are '
            'written beside the crops: rename or move them'
        )


def crop_image(
    path: str, source: Path, crop: FaceCrop, detector: YuNet
) -> tuple[Row, bytes | None]:
    """Detect the faces of an image file and crop the selected one.

    Args:
        path (str): Path of the image, relative to ``source``.
        source (Path): The dataset's folder.
        crop (FaceCrop): The crop config.
        detector (YuNet): The detector of the crop config.

    Returns:
        tuple[Row, bytes | None]: Row of the report, and the crop, encoded in
        the format of the image's file name extension (JPEG with quality 95)
        or else as PNG, so that label lists stay valid. None if there is no
        crop: without a face, or if anything is wrong with this one image.
    """
    file = source / path
    # Reading from a pipe would block for ever.
    if os.path.exists(file) and not os.path.isfile(file):
        reason = f'{str(file)!r} is no file'
        return Row(path, 'unreadable', reason=reason), None
    try:
        image = read_image(file)
        faces = detector.detect(image)
        face = select_face(faces, image.shape)
        if face is not None:
            cut = crop.crop(image, face)
        elif crop.no_face == 'whole':
            cut = crop.whole(image)
        else:
            return Row(path, 'no face'), None
        extension = _ENCODERS.get(file.suffix.lower(), '.png')
        options = []
        if extension == '.jpg':
            options = [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY]
        content = cv2.imencode(extension, cut, options)[1].tobytes()
    except ImageError as error:
        return Row(path, 'unreadable', reason=str(error)), None
    except (ValueError, OverflowError, MemoryError, cv2.error) as error:
        text = ' '.join(str(error).split()) or type(error).__name__
        reason = f'{str(file)!r}: {text}'
        return Row(path, 'unreadable', reason=reason), None
    result = {0: 'no face', 1: 'one face'}.get(len(faces), 'several faces')
    return Row(path, result, len(faces)), content


def copy_file(source: Path, target: Path, path: str) -> str:
    """Copy a file that is not an image, unless it was copied before.

    Args:
        source (Path): The dataset's folder.
        target (Path): The folder of the crops.
        path (str): Path of the file relative to both.

    Returns:
        str: Why it was not copied, or ''.

    Raises:
        OSError: If nothing can be written to the target any more.
    """
    if os.path.lexists(target / path):
        return ''
    file = source / path
    # Reading from a pipe would block for ever.
    if not os.path.isfile(file):
        return f'{str(file)!r}: a broken link, a pipe, or out of reach'
    # A label list could name it: an uncropped image among crops.
    if image_format(file) is not None:
        return (
            f'{str(file)!r}: an image by its content, but names that start '
            'with a dot are not cropped: rename it, also in the label lists'
        )
    try:
        with atomic_write(target / path, target / PART) as part:
            shutil.copy2(file, part)
    except OSError as error:
        if is_fatal(error):
            raise
        return str(error)
    return ''


def _crop_in_processes(
    source: Path,
    paths: list[str],
    crop: FaceCrop,
    model: Path | None,
    jobs: int,
) -> Generator[tuple[Row, bytes | None]]:
    """Crop images in worker processes; crops stay in order."""
    # Spawned, not forked: the threads of OpenCV and torch do not survive a
    # fork. An executor, since multiprocessing.Pool would wait for ever for a
    # worker killed for its memory.
    context = multiprocessing.get_context('spawn')
    arguments = source, crop, model, context.Lock()
    executor = ProcessPoolExecutor(jobs, context, _start_worker, arguments)
    try:
        with _sigint_blocked():  # all workers start here
            crops = executor.map(_crop_in_worker, paths, chunksize=8)
        yield from crops
    finally:
        executor.shutdown(cancel_futures=True)


@contextmanager
def _sigint_blocked() -> Iterator[None]:
    """Keep Ctrl-C from processes that start in this block.

    They inherit the mask; this process gets the signal after the block.
    """
    if not hasattr(signal, 'pthread_sigmask'):  # Windows
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _start_worker(
    source: Path,
    crop: FaceCrop,
    model: Path | None,
    lock: AbstractContextManager,
) -> None:
    global _arguments
    share_large(lock)
    # Ctrl-C reaches all processes; the main one shuts the workers down.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # A killed main process could not do that.
    threading.Thread(target=_exit_with_parent, daemon=True).start()
    cv2.setNumThreads(1)
    _arguments = source, crop, crop.build_detector(model)


def _exit_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)


def _crop_in_worker(path: str) -> tuple[Row, bytes | None]:
    return crop_image(path, *_arguments)
