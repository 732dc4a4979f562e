import os
import posixpath

from .annotations import Sample, absent_pictures, check_pictures
from .data_root import DataRoot


def read_leave_out(
    path: str, root: DataRoot, may_be_absent: bool = False
) -> set[str]:
    """Read which pictures of a data set are to be left out.

    Args:
        path (str): A text file, a path a line, relative to the data set's
            folder; lines that start with ``#`` are passed over.
        root (DataRoot): The data set's folder.
        may_be_absent (bool): Whether the pictures need not be there, as those
            without a crop of a face. Defaults to False.

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
    absent = absent_pictures(root, listed)  # refuses paths that lead out
    if absent and not may_be_absent:
        check_pictures(root, listed)
    return {posixpath.normpath(sample.path) for sample in listed}
