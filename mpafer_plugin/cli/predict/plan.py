"""Plan of a prediction: its inputs, and the files of their results."""

import argparse
import os
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from mpafer_plugin.apis.frames import is_address, is_video
from mpafer_plugin.apis.inputs import images_of
from mpafer_plugin.faces import ImageError
from mpafer_plugin.utils.image_files import opencv_path

TABLES = {'json': 'predictions.json', 'csv': 'predictions.csv'}


class Work(NamedTuple):
    """Input and its output files.

    Args:
        source (str | int): An image or video, the address of a video, or the
            number of a camera.
        place (Path): File of the drawing; .mp4 for a video or camera.
        why (Path): File of the explanation; for images only.
    """

    source: str | int
    place: Path
    why: Path

    @property
    def is_video(self) -> bool:
        """Return whether the input is a video or camera."""
        return self.place.suffix == '.mp4'


class Plan:
    """List of all inputs, each with its output files.

    Nothing is written.

    Args:
        args (argparse.Namespace): See :func:`parse_args`.

    Attributes:
        works (list[Work]): One for each image or video; all files differ.
        remarks (list[str]): Notes on images passed over.
        failures (list[str]): Errors of inputs without an image.

    Raises:
        ValueError: If a result would overwrite an input.
    """

    def __init__(self, args: argparse.Namespace):
        self.out = Path(args.out)
        self.works: list[Work] = []
        self.remarks: list[str] = []
        self.failures: list[str] = []
        self._taken: set[Path] = set()
        for source in args.inputs:
            if source.isdecimal() and not os.path.exists(source):
                self._add(int(source), Path(f'camera_{source}'), '.mp4')
            elif is_address(source):
                address = urlsplit(source)
                host = f'{address.hostname or "stream"}.mp4'
                name = Path(address.path).name or host
                self._add(source, Path(name), '.mp4')
            elif is_video(source):
                try:
                    name = Path(opencv_path(source)).name
                except ValueError as error:
                    self.failures.append(str(error))
                else:
                    self._add(source, Path(name), '.mp4')
            elif os.path.isdir(source):
                self._add_folder(source)
            else:
                self._add(source, Path(Path(source).name), '.png')
        read = [str(work.source) for work in self.works]
        options = args.weights, args.config, args.clip, args.face_model
        self._check([*read, *filter(None, options)])

    def _add_folder(self, folder: str) -> None:
        found = list(images_of(folder))
        unlisted = [str(s) for _, s in found if isinstance(s, ImageError)]
        paths = [str(s) for _, s in found if not isinstance(s, ImageError)]
        out = self.out.resolve()
        kept = [p for p in paths if not Path(p).resolve().is_relative_to(out)]
        for path in kept:
            self._add(path, Path(path).relative_to(folder), '.png')
        if len(kept) < len(paths):
            self.remarks.append(
                f'{folder!r}: passed over {len(paths) - len(kept)} images '
                f'of --out {str(self.out)!r}'
            )
        self.failures += unlisted
        if not kept and not unlisted:
            self.failures.append(f'{folder!r}: there is no image in it')

    def _add(self, source: str | int, name: Path, suffix: str) -> None:
        stem, number = name.with_suffix(''), 1
        while True:
            place = self.out / f'{stem}{suffix}'
            why = self.out / f'{stem}_why.png'
            if not self._taken & {place, why}:
                break
            number += 1
            stem = name.with_name(f'{name.stem}_{number}')
        self._taken |= {place, why}
        self.works.append(Work(source, place, why))

    def _check(self, read: list[str]) -> None:
        """Check that no output file is one that is read."""
        inputs = {_identity(path): path for path in read}
        tables = [self.out / name for name in TABLES.values()]
        for place in (*tables, *self._taken):
            found = _identity(place)
            if found is not None and found in inputs:
                raise ValueError(
                    f'{str(place)!r} would overwrite the input '
                    f'{inputs[found]!r}: choose another --out'
                )


def _identity(path: str | Path) -> tuple[int, int] | None:
    """Return the identity of a file; None if it does not exist."""
    try:
        stat = os.stat(path)
    except (OSError, ValueError):
        return None
    return stat.st_dev, stat.st_ino
