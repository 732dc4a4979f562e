from collections.abc import Callable
from typing import Any

import cv2
from mmengine.dataset import Compose

from mpafer_plugin.faces import FaceCrop
from mpafer_plugin.utils.image_files import ImageError

from .face_crop import crop_box


def load_and_transform(
    info: dict, pipeline: Compose, crop: FaceCrop | None
) -> Any:
    """Run the pipeline of a dataset; a face is cropped once it is loaded.

    Args:
        info (dict): ``img_path`` and what else is known of an image.
        pipeline (Compose): The pipeline, whose first transform loads images.
        crop (FaceCrop, optional): How the face is cropped by ``bbox``. None
            for the whole image.

    Raises:
        ImageError: If the image cannot be loaded.
    """
    steps: list[Callable] = [*pipeline.transforms]
    if not steps:
        return info
    path = info.get('img_path')
    try:
        results = steps[0](info)
    except (AssertionError, cv2.error) as error:  # of the host's loader
        reason = ' '.join(str(error).split())
        raise ImageError(
            f'{path!r} cannot be decoded ({reason}); mpafer verify-dataset '
            '--missing lists all such files, for leave_out'
        ) from error
    if crop is not None and results is not None:
        results = crop_box(crop, results)
    for step in steps[1:]:
        if results is None:
            return None
        results = step(results)
    return results
