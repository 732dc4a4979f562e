"""Crop config of a dataset that ``mpafer prepare-faces`` wrote."""

import os
from collections.abc import Sequence

import numpy as np
from mmengine.fileio import LocalBackend

from mpafer_plugin.faces import Face, FaceCrop
from mpafer_plugin.faces.face_crop import CROP_CONFIG, LEFT_OUT, REPORT
from mpafer_plugin.utils.json_text import parse_json

from .annotations import Sample, check_images
from .data_root import DataRoot


def find_crop_config(root: DataRoot) -> DataRoot | None:
    """Find the folder of the crop config.

    Args:
        root (DataRoot): The dataset's folder. On a local disk its parent is
            searched too, since several datasets may be prepared at once.

    Returns:
        DataRoot | None: One of the two; None if images are as released.
    """
    folders = [root]
    if isinstance(root.backend, LocalBackend):
        folders.append(DataRoot(os.path.dirname(os.path.abspath(root.path))))
    return next((f for f in folders if f.is_file(CROP_CONFIG)), None)


def read_face_crop(folder: DataRoot | None) -> dict | None:
    """Read the crop config.

    Args:
        folder (DataRoot, optional): Result of :func:`find_crop_config`.

    Returns:
        dict | None: Settings of :class:`FaceCrop`; None without a crop
        config.

    Raises:
        ValueError: If it cannot be read, or cropping is not finished.
    """
    if folder is None:
        return None
    path = folder.join(CROP_CONFIG)
    values = parse_json(folder.read(CROP_CONFIG), path)
    try:
        crop = FaceCrop.from_dict(values)
    except ValueError as error:
        raise ValueError(f'{path}: {error}') from error
    if not folder.is_file(REPORT):
        raise ValueError(
            f'{folder.path!r} has no {REPORT}: not all faces are cut out '
            'yet; resume mpafer prepare-faces with the same options'
        )
    return crop.to_dict()


def check_crops(
    root: DataRoot, samples: Sequence[Sample], crops: DataRoot
) -> None:
    """Check that all images have a crop.

    Args:
        root (DataRoot): The dataset's folder.
        samples (Sequence[Sample]): All images that are not left out.
        crops (DataRoot): Result of :func:`find_crop_config`.

    Raises:
        ValueError: If a path leads out of the data root.
        FileNotFoundError: If images are absent, with the remedy.
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


def crop_box(crop: FaceCrop, results: dict) -> dict:
    """Crop the face of a loaded image, upright.

    Args:
        crop (FaceCrop): How.
        results (dict): ``img`` (H, W, 3), ``bbox`` and ``img_path``, as a
            pipeline passes them on.

    Returns:
        dict: The same with ``img`` and its shapes after the crop.

    Raises:
        ValueError: If the box is outside of the image.
    """
    face = Face(np.array(results['bbox']))
    try:
        results['img'] = crop.crop(results['img'], face)
    except ValueError as error:
        raise ValueError(
            f'{results["img_path"]!r}: {error}; mpafer verify-dataset '
            '--missing lists all such files, for leave_out'
        ) from error
    results['img_shape'] = results['ori_shape'] = results['img'].shape[:2]
    return results


def crop_text(
    released: str, face_crop: dict | None, box_crop: FaceCrop | None
) -> str:
    """Describe the crop of a dataset: ours, if any, then the released one.

    Args:
        released (str): The released crop.
        face_crop (dict, optional): Result of :func:`read_face_crop`.
        box_crop (FaceCrop, optional): Crop by listed boxes.
    """
    if box_crop is not None:
        return (
            f'by the boxes listed, {box_crop.size} x {box_crop.size}, margin '
            f'{box_crop.margin:g}; before: {released}'
        )
    if face_crop is None:
        return released
    how = 'aligned' if face_crop['align'] else 'upright box'
    return (
        f'by {CROP_CONFIG}: {face_crop["detector"]}, {how}, '
        f'{face_crop["size"]} x {face_crop["size"]}, margin '
        f'{face_crop["margin"]:g}, of several faces the '
        f'{face_crop["several"]}, without a face {face_crop["no_face"]}; '
        f'before: {released}'
    )
