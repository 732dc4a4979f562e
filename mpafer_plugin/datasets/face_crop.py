"""The crop contract of a data set's pictures, where there is one."""

import json
import os

from mmengine.fileio import LocalBackend

from .data_root import DataRoot

CONTRACT = 'crop.json'
REPORT = 'crop_report.csv'
LEFT_OUT = 'leave_out.txt'


def read_face_crop(root: DataRoot) -> dict | None:
    """Read how faces were cut out, as ``tools/prepare_faces.py`` wrote it.

    Args:
        root (DataRoot): The data set's folder. On a local disk the folder
            above counts too: several data sets may be prepared at once.

    Returns:
        dict | None: What ``FaceCrop.from_dict`` reads; None if pictures are
        as released.

    Raises:
        ValueError: If it can not be read, or not all crops are made yet.
    """
    folders = [root]
    if isinstance(root.backend, LocalBackend):
        folders.append(DataRoot(os.path.dirname(os.path.abspath(root.path))))
    for folder in folders:
        if not folder.is_file(CONTRACT):
            continue
        # OpenCV and its kin only for those who cut faces out
        from mpafer_plugin.faces import FaceCrop

        where = folder.join(CONTRACT)
        try:
            crop = FaceCrop.from_dict(json.loads(folder.read(CONTRACT)))
        except ValueError as error:
            raise ValueError(f'{where}: {error}') from error
        if not folder.is_file(REPORT):
            raise ValueError(
                f'{folder.path!r} has no {REPORT}: not all faces are cut out '
                'yet; let tools/prepare_faces.py go on with the same options'
            )
        return crop.to_dict()
    return None


def face_crop_text(crop: dict) -> str:
    """Say in words how faces were cut out.

    Args:
        crop (dict): What :func:`read_face_crop` gives.

    Returns:
        str: A clause.
    """
    how = 'aligned' if crop['align'] else 'upright box'
    return (
        f'by {CONTRACT}: {crop["detector"]}, {how}, {crop["size"]} x '
        f'{crop["size"]}, margin {crop["margin"]:g}, of several faces the '
        f'{crop["several"]}, without a face {crop["no_face"]}'
    )
