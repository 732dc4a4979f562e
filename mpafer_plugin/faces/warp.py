import cv2
import numpy as np

LIMIT = 2**15 - 1
"""OpenCV maps pictures with less pixels a side."""


def cut_out(
    picture: np.ndarray, matrix: np.ndarray, size: int, outside: int = 0
) -> np.ndarray:
    """Map a part of a picture onto a square, without aliases.

    Args:
        picture (np.ndarray): (H, W, 3), uint8.
        matrix (np.ndarray): (2, 3), a similarity: square = matrix @ (x, y, 1),
            where whole numbers are the centres of pixels.
        size (int): Side of the square in pixels.
        outside (int): Value of all that lies outside of the picture. Defaults
            to 0, black.

    Returns:
        np.ndarray: (size, size, 3), uint8.

    Raises:
        ValueError: If nothing of the picture is in it, or too many pixels.
    """
    # Samples as dense as the picture's pixels are averaged to those of the
    # square, or else fine patterns would turn into coarse ones.
    scale = np.hypot(*matrix[:, 0])
    # So it is of landmarks that lie like no face, too.
    if scale * LIMIT <= size:
        raise ValueError(f'it has {LIMIT} pixels a side or more')
    density = max(1, int(np.ceil(1 / scale)))
    side = size * density
    matrix = matrix * density
    matrix[:, 2] += (density - 1) / 2
    # Only the part that is needed, for the sake of OpenCV's limit.
    corners = np.array([[0, 0], [side, 0], [0, side], [side, side]]) - 0.5
    inverse = cv2.invertAffineTransform(matrix)
    points = corners @ inverse[:, :2].T + inverse[:, 2]
    x1, y1 = np.maximum(np.floor(points.min(0)) - 2, 0).astype(int).tolist()
    x2, y2 = np.maximum(np.ceil(points.max(0)) + 3, 0).astype(int).tolist()
    part = picture[y1:y2, x1:x2]
    if not part.size:
        raise ValueError('it is outside of the picture')
    if max(side, *part.shape) >= LIMIT:
        raise ValueError(f'it has {LIMIT} pixels a side or more')
    matrix[:, 2] += matrix[:, :2] @ (x1, y1)
    dense = cv2.warpAffine(
        part,
        matrix,
        (side, side),
        flags=cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=(outside,) * 3,
    )
    return cv2.resize(dense, (size, size), interpolation=cv2.INTER_AREA)
