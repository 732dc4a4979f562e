import reprlib
import threading
from pathlib import Path

import cv2
import numpy as np

from ..utils.image_files import opencv_path
from .face import Face
from .yunet_trial import try_out
from .yunet_weights import YUNET_DIGEST, find_yunet

COARSE_SIDE = 256
"""Longer side of the image in pixels, in the pass for large faces."""

MIN_SIDE = 64
"""Minimum side of the detector's input in pixels; padded with black."""

NMS_IOU = 0.3
"""IoU above which two boxes show the same face."""

_log_level = threading.Lock()  # OpenCV's log level is global


class YuNet:
    """Face detector YuNet, run by OpenCV.

    YuNet was trained on faces of about 10 to 300 pixels and misses larger
    ones. Each image is therefore searched twice: resized to a longer side of
    256 pixels, and, if it is larger, at its own size or reduced to
    ``longest_side``. Non-maximum suppression merges both results.

    Not thread-safe: use one instance a thread. A copy, also by pickle, loads
    the model anew.

    Args:
        model (str | Path, optional): See :func:`find_yunet`. Defaults to
            None.
        score_threshold (float): Minimum score of a face, in [0, 1].
            Defaults to 0.7 (ours).
        longest_side (int): Limit of the longer side in pixels. Faces
            smaller than about 20 pixels at that size are often missed.
            Defaults to 1024 (ours).

    Attributes:
        digest (str): SHA-256 of the model.

    Raises:
        ValueError: If an argument is out of range, or the file is no model
            that OpenCV runs: one of another version is tried out first, see
            :func:`try_out`.
        FileNotFoundError, ConnectionError: See :func:`find_yunet`.
    """

    name = 'yunet'

    def __init__(
        self,
        model: str | Path | None = None,
        score_threshold: float = 0.7,
        longest_side: int = 1024,
    ) -> None:
        if not 0 <= score_threshold <= 1:
            raise ValueError(
                f'score_threshold={score_threshold}: must be in [0, 1]'
            )
        if longest_side < COARSE_SIDE:
            raise ValueError(
                f'longest_side={longest_side}: must be at least {COARSE_SIDE}'
            )
        path, self.digest = find_yunet(model)
        self._path = str(path)
        if self.digest != YUNET_DIGEST:
            try_out(opencv_path(path), self.digest)
        self.model = model
        self.score_threshold = score_threshold
        self.longest_side = longest_side
        # OpenCV 5 warns that it cannot set a target, although none was set;
        # OpenCV 4 has these functions elsewhere.
        logging = getattr(cv2.utils, 'logging', cv2)
        with _log_level:
            level = logging.getLogLevel()
            logging.setLogLevel(2)  # errors
            try:
                self._detector = cv2.FaceDetectorYN.create(
                    opencv_path(path),
                    '',
                    (COARSE_SIDE, COARSE_SIDE),
                    score_threshold,
                    NMS_IOU,
                )
            except cv2.error as error:
                raise ValueError(
                    f'{str(path)!r} is no face detector that OpenCV '
                    f'{cv2.__version__} reads: {error.err}'
                ) from error
            finally:
                logging.setLogLevel(level)

    def __reduce__(self) -> tuple:
        # OpenCV's detector cannot be pickled or copied.
        return type(self), (
            self.model,
            self.score_threshold,
            self.longest_side,
        )

    def detect(self, image: np.ndarray) -> list[Face]:
        """Detect the faces of an image.

        Args:
            image (np.ndarray): (H, W, 3), BGR, uint8.

        Returns:
            list[Face]: Faces in image coordinates, by descending score.

        Raises:
            ValueError: If ``image`` is not such an array, or the model gives
                boxes that are empty or not finite.
        """
        check_image(image)
        longer = max(image.shape[:2])
        rows = self._detect_at(image, COARSE_SIDE / longer)
        if longer > COARSE_SIDE:
            scale = min(1.0, self.longest_side / longer)
            rows = np.concatenate([rows, self._detect_at(image, scale)])
        # Also sorts by score.
        kept = cv2.dnn.NMSBoxes(
            rows[:, :4].tolist(), rows[:, 14].tolist(), 0, NMS_IOU
        )
        try:
            return [
                Face(
                    bbox=np.concatenate([row[:2], row[:2] + row[2:4]]),
                    score=float(row[14]),
                    landmarks=row[4:14].reshape(5, 2),
                )
                for row in rows[list(kept)]
            ]
        except ValueError as error:
            raise ValueError(
                f'the face detector {self._path!r} is wrong: {error}'
            ) from error

    def _detect_at(self, image: np.ndarray, scale: float) -> np.ndarray:
        """Detect in the resized image; return (F, 15) in image coordinates.

        A row is x, y, width and height of the box, five points, the score.
        """
        height, width = image.shape[:2]
        size = max(1, round(width * scale)), max(1, round(height * scale))
        if size != (width, height):
            how = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
            image = cv2.resize(image, size, interpolation=how)
        # OpenCV 4.10 finds faces in empty images of up to 32 x 32 pixels.
        right, below = (max(0, MIN_SIDE - side) for side in size)
        if right or below:
            image = cv2.copyMakeBorder(
                image, 0, below, 0, right, cv2.BORDER_CONSTANT
            )
        self._detector.setInputSize(image.shape[1::-1])
        rows = self._detector.detect(image)[1]
        if rows is None:
            return np.empty((0, 15))
        rows = rows.astype(float)
        # Each side is rounded to whole pixels separately.
        factors = np.tile(np.array([width, height]) / size, 7)
        # Integer landmarks are pixel centres; boxes are edges.
        half = np.repeat([0, 0.5], [4, 10])
        rows[:, :14] = (rows[:, :14] + half) * factors - half
        return rows


def check_image(image: np.ndarray) -> None:
    """Check that an array is an image.

    Raises:
        ValueError: If it is not a non-empty (H, W, 3) uint8 array.
    """
    if not isinstance(image, np.ndarray):
        found = reprlib.repr(image)
    elif image.shape[2:] == (3,) and image.dtype == np.uint8 and image.size:
        return
    else:
        found = f'an array {image.shape} of {image.dtype}'
    raise ValueError(f'an image is an array (H, W, 3) of uint8: {found}')
