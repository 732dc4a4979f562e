from dataclasses import dataclass

from mmengine.logging import MMLogger
from torch import nn

from mpafer_plugin.faces import FaceCrop


@dataclass(frozen=True)
class TrainedSetting:
    """A model, and how the pictures that it takes are made.

    Args:
        model (nn.Module): Filled, on the CPU.
        classes (list[str]): Names of the classes, in label order.
        pipeline (list[dict]): The test pipeline behind reading.
        resize (bool): Whether the pipeline does no more than resize.
        face_crop (dict, optional): The crop that training saw.
    """

    model: nn.Module
    classes: list[str]
    pipeline: list[dict]
    resize: bool
    face_crop: dict | None

    def crop(self, detector: str, given: FaceCrop | None = None) -> FaceCrop:
        """Choose the crop: the given one, that of the training, the default.

        Args:
            detector (str): With 'none' nothing is cropped; else the log warns
                if the crop may not be that of the training.
            given (FaceCrop, optional): What the caller wants.
        """
        stated = None
        if self.face_crop is not None:
            stated = FaceCrop.from_dict(self.face_crop)
        crop = given or stated or FaceCrop()
        logger = MMLogger.get_current_instance()
        if detector == 'none' or crop == stated:
            return crop
        if stated is not None:
            logger.warning(
                f'faces are cut out by {crop}, those of the training data '
                f'were by {stated}: results suffer where crops differ'
            )
        elif given is None:
            logger.warning(
                'the training data was used as released: how closely its '
                'faces were cut out is not known. Here they are cut out by '
                f'the default, margin {crop.margin}. Results suffer where '
                'crops differ: look at the training data, and set the margin '
                'by face_crop=FaceCrop(margin=...) in Python, --margin in '
                'tools/predict.py'
            )
        return crop
