from collections.abc import Sequence

import cv2
import numpy as np

# Where the eyes, the nose and the corners of the mouth of an upright face lie
# in 112 x 112 pixels: the template that InsightFace (ArcFace) aligns by,
# `arcface_dst` in its python-package/insightface/utils/face_align.py.
TEMPLATE_SIDE = 112
TEMPLATE = np.array(
    [
        [38.2946, 51.6963],
        [73.5318, 51.5014],
        [56.0252, 71.7366],
        [41.5493, 92.3655],
        [70.7299, 92.2041],
    ]
)


def aligning_matrix(
    landmarks: np.ndarray, size: int, margin: float
) -> np.ndarray:
    """Compute the similarity that aligns a face with the template.

    Args:
        landmarks (np.ndarray): (5, 2), see :class:`Face`.
        size (int): Side of the crop in pixels.
        margin (float): Border added on each side of the template, as a
            fraction of its side.

    Returns:
        np.ndarray: (2, 3), least squares over the five points: rotation,
        scale and translation, never a reflection.

    Raises:
        ValueError: If all landmarks are at one point.
    """
    scale = size / ((1 + 2 * margin) * TEMPLATE_SIDE)
    # Integer coordinates are pixel centres; edges are half a pixel away.
    target = (TEMPLATE + 0.5 + margin * TEMPLATE_SIDE) * scale - 0.5
    # In the complex plane target = turn * points + shift, which cannot
    # mirror. (OpenCV's estimateAffinePartial2D drops points as outliers, and
    # five are too few for that.)
    z, w = landmarks @ (1, 1j), target @ (1, 1j)
    centred = z - z.mean()
    spread = np.vdot(centred, centred).real
    if spread == 0:
        raise ValueError(
            f'all landmarks of a face are at {landmarks[0].tolist()}'
        )
    turn = np.vdot(centred, w - w.mean()) / spread
    shift = w.mean() - turn * z.mean()
    return np.array(
        [
            [turn.real, -turn.imag, shift.real],
            [turn.imag, turn.real, shift.imag],
        ]
    )


def box_matrix(bbox: np.ndarray, size: int, margin: float) -> np.ndarray:
    """Compute the map from the square around a box to the crop, upright.

    Args:
        bbox (np.ndarray): (4,) x1, y1, x2, y2, edges of the box.
        size (int): Side of the crop in pixels.
        margin (float): Border added on each side of the square, as a
            fraction of its side.

    Returns:
        np.ndarray: (2, 3), for coordinates whose integers are pixel centres.
    """
    side = max(bbox[2:] - bbox[:2]) * (1 + 2 * margin)
    scale = size / side
    # The first pixel's centre is half a pixel away from its edge.
    x, y = (size - 1) / 2 - scale * ((bbox[:2] + bbox[2:]) / 2 - 0.5)
    return np.array([[scale, 0, x], [0, scale, y]])


LIMIT = 2**15 - 1
"""``cv2.warpAffine`` requires fewer pixels per side."""


def dense_part(
    matrix: np.ndarray, size: int, shape: Sequence[int]
) -> tuple[np.ndarray, int, tuple[int, int, int, int]]:
    """Find the part of an image that a square shows, and its density.

    The square is sampled at the density of the image and averaged, to avoid
    aliasing. Only the part needed is warped, because of OpenCV's limit.

    Args:
        matrix (np.ndarray): (2, 3), see :func:`cut_out`.
        size (int): Side of the square in pixels.
        shape (Sequence[int]): Height and width of the image first.

    Returns:
        tuple[np.ndarray, int, tuple[int, int, int, int]]: (2, 3) from the
        part to the dense square, the latter's side, and x1, y1, x2, y2 of the
        part in pixels.

    Raises:
        ValueError: As :func:`cut_out`.
    """
    scale = np.hypot(*matrix[:, 0])
    # Implausible landmarks give such a scale, too.
    if scale * LIMIT <= size:
        raise ValueError(f'it has {LIMIT} pixels a side or more')
    density = max(1, int(np.ceil(1 / scale)))
    side = size * density
    matrix = matrix * density
    matrix[:, 2] += (density - 1) / 2
    corners = np.array([[0, 0], [side, 0], [0, side], [side, side]]) - 0.5
    inverse = cv2.invertAffineTransform(matrix)
    points = corners @ inverse[:, :2].T + inverse[:, 2]
    limits = (*shape[1::-1],)
    x1, y1 = np.clip(np.floor(points.min(0)) - 2, 0, limits).astype(int)
    x2, y2 = np.clip(np.ceil(points.max(0)) + 3, 0, limits).astype(int)
    if x1 >= x2 or y1 >= y2:
        raise ValueError('it is outside of the image')
    if max(side, x2 - x1, y2 - y1) >= LIMIT:
        raise ValueError(f'it has {LIMIT} pixels a side or more')
    matrix[:, 2] += matrix[:, :2] @ (x1, y1)
    return matrix, side, (int(x1), int(y1), int(x2), int(y2))


def cut_out(
    image: np.ndarray, matrix: np.ndarray, size: int, outside: int = 0
) -> np.ndarray:
    """Warp a part of an image to a square, with anti-aliasing.

    Args:
        image (np.ndarray): (H, W, 3), uint8.
        matrix (np.ndarray): (2, 3), a similarity: square = matrix @ (x, y, 1),
            where whole numbers are the centres of pixels.
        size (int): Side of the square in pixels.
        outside (int): Fill value outside of the image. Defaults to 0, black.

    Returns:
        np.ndarray: (size, size, 3), uint8.

    Raises:
        ValueError: If the square lies outside of the image or covers too
            many pixels.
    """
    matrix, side, (x1, y1, x2, y2) = dense_part(matrix, size, image.shape)
    dense = cv2.warpAffine(
        image[y1:y2, x1:x2],
        matrix,
        (side, side),
        flags=cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=(outside,) * 3,
    )
    return cv2.resize(dense, (size, size), interpolation=cv2.INTER_AREA)
