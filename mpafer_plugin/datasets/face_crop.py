"""The crop config of a dataset's images, where there is one."""

import json
import os

from mmengine.fileio import LocalBackend

from mpafer_plugin.faces import FaceCrop
from mpafer_plugin.faces.face_crop import CROP_CONFIG, REPORT

from .data_root import DataRoot


def find_crop_config(root: DataRoot) -> DataRoot | None:
    """Find the folder of the crop config, where there is one.

    Args:
        root (DataRoot): The dataset's folder. On a local disk the folder
            above counts too: several datasets may be prepared at once.

    Returns:
        DataRoot | None: One of the two; None if images are as released.
    """
    folders = [root]
    if isinstance(root.backend, LocalBackend):
        folders.append(DataRoot(os.path.dirname(os.path.abspath(root.path))))
    return next((f for f in folders if f.is_file(CROP_CONFIG)), None)


def read_face_crop(folder: DataRoot | None) -> dict | None:
    """Read how faces were cut out, as ``tools/prepare_faces.py`` wrote it.

    Args:
        folder (DataRoot, optional): What :func:`find_crop_config` gives.

    Returns:
        dict | None: What ``FaceCrop.from_dict`` reads; None if there is no
        crop config.

    Raises:
        ValueError: If it cannot be read, or not all crops are made yet.
    """
    if folder is None:
        return None
    try:
        crop = FaceCrop.from_dict(json.loads(folder.read(CROP_CONFIG)))
    except ValueError as error:
        raise ValueError(f'{folder.join(CROP_CONFIG)}: {error}') from error
    if not folder.is_file(REPORT):
        raise ValueError(
            f'{folder.path!r} has no {REPORT}: not all faces are cut out '
            'yet; resume mpafer prepare-faces with the same options'
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
        f'by {CROP_CONFIG}: {crop["detector"]}, {how}, {crop["size"]} x '
        f'{crop["size"]}, margin {crop["margin"]:g}, of several faces the '
        f'{crop["several"]}, without a face {crop["no_face"]}'
    )
