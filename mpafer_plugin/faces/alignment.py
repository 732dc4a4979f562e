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
    """Turn, scale and shift a face onto the template; never mirror it.

    Args:
        landmarks (np.ndarray): (5, 2), see :class:`Face`.
        size (int): Side of the crop in pixels.
        margin (float): What is added on each side of the template, as a share
            of its side.

    Returns:
        np.ndarray: (2, 3), the similarity that brings the five points nearest
        to the template's, by least squares.

    Raises:
        ValueError: If all landmarks are at one point.
    """
    scale = size / ((1 + 2 * margin) * TEMPLATE_SIDE)
    # Whole numbers are centres of pixels, corners are half a pixel away.
    target = (TEMPLATE + 0.5 + margin * TEMPLATE_SIDE) * scale - 0.5
    # In the complex plane target = turn * points + shift, which can not
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
    """Scale and shift the square around a box onto the crop, upright.

    Args:
        bbox (np.ndarray): (4,) x1, y1, x2, y2, the box's edges.
        size (int): Side of the crop in pixels.
        margin (float): What is added on each side of the square, as a share
            of its side.

    Returns:
        np.ndarray: (2, 3), for coordinates of which whole numbers are the
        centres of pixels.
    """
    side = max(bbox[2:] - bbox[:2]) * (1 + 2 * margin)
    scale = size / side
    # The first pixel's centre is half a pixel away from its edge.
    x, y = (size - 1) / 2 - scale * ((bbox[:2] + bbox[2:]) / 2 - 0.5)
    return np.array([[scale, 0, x], [0, scale, y]])
