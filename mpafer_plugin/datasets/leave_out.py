import os
import posixpath
from collections.abc import Iterable, Iterator, Sequence
from pathlib import PurePosixPath

from mpafer_plugin.faces.face_crop import CROP_CONFIG, LEFT_OUT

from .annotations import Sample, absent_images, check_images
from .data_root import DataRoot


def read_leave_out(
    path: str, root: DataRoot, crops: DataRoot | None = None
) -> set[str]:
    """Read the images of a dataset to leave out.

    Args:
        path (str): A text file with a path per line, relative to the
            dataset's folder; lines that start with ``#`` are ignored. If the
            file is beside a crop config in the parent folder, paths are
            relative to that folder, and other datasets' are ignored.
        root (DataRoot): The dataset's folder.
        crops (DataRoot, optional): The folder of the crop config; with one,
            images without a detected face need not exist. Defaults to None.

    Returns:
        set[str]: The normalized paths.

    Raises:
        FileNotFoundError: If the file or a listed image is absent.
        ValueError: If a path leads out of the folder.
    """
    folder, name = os.path.split(os.path.expanduser(path))
    own = DataRoot(folder or '.')
    if not own.is_file(name):
        raise FileNotFoundError(f'leave_out: no file {path!r}')
    lines: Iterable[tuple[int, str]] = (
        (number, line)
        for number, line in own.lines(name)
        if not line.startswith('#')
    )
    if crops is not None and crops is not root:
        theirs = os.path.realpath(crops.join(LEFT_OUT))
        if os.path.realpath(own.join(name)) == theirs:
            dataset = os.path.basename(os.path.abspath(root.path))
            lines = _lines_below(dataset, lines)
    listed = [Sample(line, '', path, number, line) for number, line in lines]
    # Both refuse paths that lead out of the folder.
    check = check_images if crops is None else absent_images
    check(root, listed)
    return {posixpath.normpath(sample.path) for sample in listed}


def check_crops(
    root: DataRoot, samples: Sequence[Sample], crops: DataRoot
) -> None:
    """Check that all images have a crop.

    Args:
        root (DataRoot): The dataset's folder.
        samples (Sequence[Sample]): All images that are not left out.
        crops (DataRoot): The folder of the crop config.

    Raises:
        ValueError: If a path leads out of the data root.
        FileNotFoundError: If images are absent, as :func:`check_images`
            raises it, with the remedy.
    """
    try:
        check_images(root, samples)
    except FileNotFoundError as error:
        raise FileNotFoundError(
            f'{error}\nImages in which no face was found have no crop: '
            f'leave them out by leave_out, the file '
            f'{crops.join(LEFT_OUT)!r} beside {CROP_CONFIG!r}, or run '
            'mpafer prepare-faces with --no-face whole'
        ) from error


def _lines_below(
    folder: str, lines: Iterable[tuple[int, str]]
) -> Iterator[tuple[int, str]]:
    """Make paths in a folder relative to it; drop the others."""
    for number, line in lines:
        path = PurePosixPath(line)
        if path.is_absolute() or '..' in path.parts:
            yield number, line  # to be refused
        elif path.parts[:1] == (folder,) and path.parts[1:]:
            yield number, '/'.join(path.parts[1:])
