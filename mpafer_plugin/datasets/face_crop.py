"""The crop contract of a data set's pictures, where there is one."""

import json
import os

from mmengine.fileio import LocalBackend

from mpafer_plugin.faces import FaceCrop

from .data_root import DataRoot

CONTRACT = 'crop.json'
REPORT = 'crop_report.csv'
LEFT_OUT = 'leave_out.txt'


def find_contract(root: DataRoot) -> DataRoot | None:
    """Find the folder of the crop contract, where there is one.

    Args:
        root (DataRoot): The data set's folder. On a local disk the folder
            above counts too: several data sets may be prepared at once.

    Returns:
        DataRoot | None: One of the two; None if pictures are as released.
    """
    folders = [root]
    if isinstance(root.backend, LocalBackend):
        folders.append(DataRoot(os.path.dirname(os.path.abspath(root.path))))
    return next((f for f in folders if f.is_file(CONTRACT)), None)


def read_face_crop(folder: DataRoot | None) -> dict | None:
    """Read how faces were cut out, as ``tools/prepare_faces.py`` wrote it.

    Args:
        folder (DataRoot, optional): What :func:`find_contract` gives.

    Returns:
        dict | None: What ``FaceCrop.from_dict`` reads; None if there is no
        contract.

    Raises:
        ValueError: If it can not be read, or not all crops are made yet.
    """
    if folder is None:
        return None
    try:
        crop = FaceCrop.from_dict(json.loads(folder.read(CONTRACT)))
    except ValueError as error:
        raise ValueError(f'{folder.join(CONTRACT)}: {error}') from error
    if not folder.is_file(REPORT):
        raise ValueError(
            f'{folder.path!r} has no {REPORT}: not all faces are cut out '
            'yet; let tools/prepare_faces.py go on with the same options'
        )
    return crop.to_dict()


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
