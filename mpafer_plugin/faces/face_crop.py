import logging
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import cv2
import numpy as np

from ..utils.numbers import is_number
from ..utils.quoting import quote
from .alignment import aligning_matrix, box_matrix, cut_out, dense_part
from .face import SEVERAL_RULE, Face
from .yunet import COARSE_SIDE, YuNet, check_image
from .yunet_weights import YUNET_DIGEST

logger = logging.getLogger(__name__)

VERSION = 1

CROP_CONFIG = 'crop.json'
REPORT = 'crop_report.csv'
LEFT_OUT = 'leave_out.txt'

NO_FACE_RULES = ('leave-out', 'whole')


@dataclass(frozen=True)
class FaceCrop:
    """Crop config: how faces are detected and cropped.

    Training and inference crop the same way by sharing it: it is stored as
    ``crop.json`` beside the crops and in checkpoints, and restored by
    :meth:`from_dict`. Crop configs are equal if all their values are.

    Args:
        size (int): Side of a crop in pixels. Defaults to 224.
        margin (float): Border added on each side of the 112 x 112 template,
            or of the box, as a fraction of its side; may be negative, above
            -0.25. Defaults to 0.1 (ours), which keeps the chin in.
        align (bool): Align faces by their landmarks. Defaults to True.
        detector (str): Its name. Defaults to 'yunet', the only one.
        detector_digest (str): SHA-256 of the detector's model. Defaults to
            that of OpenCV's model zoo.
        score_threshold (float): See :class:`YuNet`. Defaults to 0.7.
        longest_side (int): See :class:`YuNet`. Defaults to 1024.
        several (str): Which face stands for an image with one label: see
            :func:`select_face`. Defaults to 'largest', the only rule.
        no_face (str): Treatment of images without a face: 'leave-out', or
            'whole' for the central square. Defaults to 'leave-out'.

    Raises:
        ValueError: If a value is not allowed.
    """

    size: int = 224
    margin: float = 0.1
    align: bool = True
    detector: str = YuNet.name
    detector_digest: str = YUNET_DIGEST
    score_threshold: float = 0.7
    longest_side: int = 1024
    several: str = SEVERAL_RULE
    no_face: str = NO_FACE_RULES[0]

    def __post_init__(self) -> None:
        for field in fields(self):
            value, kind = getattr(self, field.name), type(field.default)
            is_kind = (
                is_number(value) if kind is float else type(value) is kind
            )
            if not is_kind:
                raise ValueError(
                    f'{field.name}={quote(value)} of a crop: must be of type '
                    f'{kind.__name__}'
                )
        allowed = (
            ('size', 1 <= self.size <= 4096, 'in 1 to 4096 pixels'),
            ('margin', -0.25 < self.margin <= 2, 'above -0.25 and at most 2'),
            ('detector', self.detector == YuNet.name, repr(YuNet.name)),
            ('score_threshold', 0 <= self.score_threshold <= 1, 'in 0 to 1'),
            (
                'longest_side',
                COARSE_SIDE <= self.longest_side < 2**31,
                f'{COARSE_SIDE} pixels or more',
            ),
            ('several', self.several == SEVERAL_RULE, repr(SEVERAL_RULE)),
            ('no_face', self.no_face in NO_FACE_RULES, f'{NO_FACE_RULES}'),
        )
        for name, is_allowed, text in allowed:
            if not is_allowed:
                raise ValueError(
                    f'{name}={quote(getattr(self, name))} of a crop: must be '
                    f'{text}'
                )

    def build_detector(self, model: str | Path | None = None) -> YuNet:
        """Build the detector of this crop config.

        Args:
            model (str | Path, optional): See :func:`find_yunet`. Defaults to
                None.

        Returns:
            YuNet: The detector; other weights than stated are logged.
        """
        detector = YuNet(model, self.score_threshold, self.longest_side)
        if detector.digest != self.detector_digest:
            logger.warning(
                'face crop: the detector has the SHA-256 '
                f'{detector.digest}, the crop config states '
                f'{self.detector_digest}: faces may be found and turned '
                'differently than in training'
            )
        return detector

    def matrix(self, face: Face) -> np.ndarray:
        """Compute the affine map from the image to the crop.

        Args:
            face (Face): Aligned by its landmarks (never mirrored); without
                them, or with ``align=False``, the upright square around its
                box is used.

        Returns:
            np.ndarray: (2, 3), float: crop = matrix @ (x, y, 1), where
            integers are pixel centres.

        Raises:
            ValueError: If all landmarks are at one point.
        """
        if face.landmarks is None or not self.align:
            return box_matrix(face.bbox, self.size, self.margin)
        return aligning_matrix(face.landmarks, self.size, self.margin)

    def crop(self, image: np.ndarray, face: Face) -> np.ndarray:
        """Crop a face; black outside of the image.

        Args:
            image (np.ndarray): (H, W, 3), BGR, uint8.
            face (Face): The face, in image coordinates.

        Returns:
            np.ndarray: (size, size, 3), BGR, uint8.

        Raises:
            ValueError: If the crop lies outside of the image or covers too
                many pixels.
        """
        check_image(image)
        try:
            return cut_out(image, self.matrix(face), self.size)
        except ValueError as error:
            raise _not_cut(face, image.shape, error) from error

    def check(self, face: Face, height: int, width: int) -> None:
        """Check that a face can be cropped from an image of a size.

        Raises:
            ValueError: As :meth:`crop`.
        """
        shape = height, width
        try:
            dense_part(self.matrix(face), self.size, shape)
        except ValueError as error:
            raise _not_cut(face, shape, error) from error

    def whole(self, image: np.ndarray) -> np.ndarray:
        """Crop the largest central square of an image.

        Args:
            image (np.ndarray): (H, W, 3), BGR, uint8.

        Returns:
            np.ndarray: (size, size, 3), BGR, uint8.
        """
        check_image(image)
        height, width = image.shape[:2]
        side = min(height, width)
        y, x = (height - side) // 2, (width - side) // 2
        how = cv2.INTER_AREA if side > self.size else cv2.INTER_LINEAR
        return cv2.resize(
            image[y : y + side, x : x + side],
            (self.size, self.size),
            interpolation=how,
        )

    def to_dict(self) -> dict:
        """Return plain data with the version of the format, for JSON."""
        return dict(version=VERSION, **asdict(self))

    @classmethod
    def from_dict(cls, values: dict) -> 'FaceCrop':
        """Restore a crop config from the result of :meth:`to_dict`.

        Args:
            values (dict): The plain data.

        Returns:
            FaceCrop: The crop config.

        Raises:
            ValueError: If the version differs, keys are unknown or missing,
                or values are not allowed.
        """
        if not isinstance(values, dict) or 'version' not in values:
            raise ValueError(f'no crop config: {quote(values)}')
        version = values['version']
        if type(version) is not int or version != VERSION:
            raise ValueError(
                f'the crop config has version {quote(version)}, '
                f'this version of mpafer_plugin reads {VERSION}'
            )
        names = {field.name for field in fields(cls)}
        found = values.keys() - {'version'}
        if found != names:
            raise ValueError(
                'crop config: unknown keys '
                f'{quote(sorted(found - names, key=str))}, '
                f'missing keys {sorted(names - found)}'
            )
        return cls(**{name: values[name] for name in names})


def _not_cut(face: Face, shape: Sequence[int], error: Exception) -> ValueError:
    return ValueError(
        f'the face at {face.bbox.round(1).tolist()} cannot be cut out of an '
        f'image of {shape[1]} x {shape[0]} pixels: {error}'
    )


def choose_crop(
    stored: dict | None, detector: str, given: FaceCrop | None = None
) -> FaceCrop:
    """Choose the crop: the given one, that of training, the default.

    Args:
        stored (dict, optional): Crop config of the training data.
        detector (str): With 'none' nothing is cropped; otherwise the log
            warns if the crop may differ from that of training.
        given (FaceCrop, optional): The caller's choice. Defaults to None.

    Raises:
        ValueError: If the stored one is not valid.
    """
    trained = None if stored is None else FaceCrop.from_dict(stored)
    crop = given or trained or FaceCrop()
    if detector == 'none' or crop == trained:
        return crop
    if trained is not None:
        logger.warning(
            f'faces are cropped by {crop}, those of the training data '
            f'were by {trained}: accuracy suffers where crops differ'
        )
    elif given is None:
        logger.warning(
            'the training data was used as released: how closely its '
            'faces were cropped is not known. Here they are cropped by '
            f'the default, margin {crop.margin}. Accuracy suffers where '
            'crops differ: look at the training data, and set the margin '
            'by face_crop=FaceCrop(margin=...) in Python, --margin at the '
            'command line'
        )
    return crop
