import os
import posixpath

from .annotations import Sample, check_pictures
from .data_root import DataRoot


def read_leave_out(path: str, root: DataRoot) -> set[str]:
    """Read which pictures of a data set are to be left out.

    Args:
        path (str): A text file, a path a line, relative to the data set's
            folder; lines that start with ``#`` are passed over.
        root (DataRoot): The data set's folder.

    Returns:
        set[str]: The paths, in their shortest form.

    Raises:
        FileNotFoundError: If the file or a listed picture is absent.
        ValueError: If a path leads out of the folder.
    """
    folder, name = os.path.split(os.path.expanduser(path))
    own = DataRoot(folder or '.')
    if not own.is_file(name):
        raise FileNotFoundError(f'leave_out: no file {path!r}')
    listed = [
        Sample(line, '', path, number, line)
        for number, line in own.lines(name)
        if not line.startswith('#')
    ]
    check_pictures(root, listed)
    return {posixpath.normpath(sample.path) for sample in listed}
