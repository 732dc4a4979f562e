from collections.abc import Sequence
from typing import TYPE_CHECKING

import cv2
import numpy as np

from mpafer_plugin.faces.alignment import box_matrix, cut_out

from .contact_sheet import Card, draw_contact_sheet

if TYPE_CHECKING:
    from mpafer_plugin.apis.explanation import FaceExplanation

HEADS = ('image', 'top patches of the class', 'attention rollout')

_SIDE = 400  # pixels, of the square that is drawn
_MARGIN = 0.05  # around the crop, as a share of its side
_OPACITY = 0.55
_SMALLEST = 1 / 8  # scale that is cut out at; memory goes with its square


def draw_explanations(
    image: np.ndarray, faces: Sequence['FaceExplanation'], path: str
) -> None:
    """Draw, for each face, the patches that decided.

    Args:
        image (np.ndarray): (H, W, 3), BGR, uint8.
        faces (Sequence[FaceExplanation]): What an inferencer gives for it,
            one or more.
        path (str): The file to write; its ending says the format.
    """
    cards = []
    for number, face in enumerate(faces, 1):
        explanation, found = face.explanation, face.face
        chosen = explanation.chosen[0].cpu().numpy()
        rollout = explanation.rollout[0].cpu().numpy()
        part, matrix = _around(image, face.matrix, face.size)
        count, local = 'The local score is off: no patch counts', part
        if chosen.any():
            count = (
                f'{chosen.sum()} of {chosen.size} patches count for the local '
                'score'
            )
            grid = chosen.astype(float)
            local = overlay(part, grid, matrix, face.size, smooth=False)
        grid = rollout / rollout.max()
        attended = overlay(part, grid, matrix, face.size, smooth=True)
        cards.append(
            Card(
                f'{number} {found["pred_class"]} {found["pred_score"]:.0%}',
                f'{count}. Rollout: patches {rollout.sum():.0%}, class token '
                f'{float(explanation.class_share[0]):.0%}, prompts '
                f'{float(explanation.prompt_share[0]):.0%}',
                [drawn[..., ::-1] for drawn in (part, local, attended)],
            )
        )
    draw_contact_sheet(cards, path, HEADS, columns=min(2, len(cards)))


def overlay(
    image: np.ndarray,
    grid: np.ndarray,
    matrix: np.ndarray,
    size: tuple[int, int],
    smooth: bool,
) -> np.ndarray:
    """Lay values of a face's patches over the image that it is in.

    Args:
        image (np.ndarray): (H, W, 3), BGR, uint8.
        grid (np.ndarray): Values in [0, 1] of the patches, (h, w).
        matrix (np.ndarray): (2, 3), from the image to the crop, in which
            the patches lie.
        size (tuple[int, int]): Width and height of the crop in pixels.
        smooth (bool): Whether values run into each other.

    Returns:
        np.ndarray: (H, W, 3), BGR, uint8; as it was outside of the patches.
    """
    height, width = image.shape[:2]
    # From the image to the grid, where a patch is one pixel.
    shrink = np.array(grid.shape[::-1]) / size
    matrix = matrix * shrink[:, None]
    matrix[:, 2] += (shrink - 1) / 2
    values, inside = (
        cv2.warpAffine(
            layer.astype(np.float32),
            matrix,
            (width, height),
            flags=cv2.WARP_INVERSE_MAP
            | (cv2.INTER_LINEAR if how else cv2.INTER_NEAREST),
            borderMode=border,
        )
        for layer, how, border in (
            (grid, smooth, cv2.BORDER_REPLICATE),
            (np.ones_like(grid), False, cv2.BORDER_CONSTANT),
        )
    )
    if smooth:
        levels = (255 * np.clip(values, 0, 1)).astype(np.uint8)
        colours = cv2.applyColorMap(levels, cv2.COLORMAP_INFERNO)
        share = (_OPACITY * inside)[..., None]
        return ((1 - share) * image + share * colours).astype(np.uint8)
    # What does not count goes grey and dark.
    grey = image.mean(2, keepdims=True).repeat(3, axis=2) * 0.35
    share = (inside * (1 - values))[..., None]
    return ((1 - share) * image + share * grey).astype(np.uint8)


def _around(
    image: np.ndarray, matrix: np.ndarray, size: tuple[int, int]
) -> tuple[np.ndarray, np.ndarray]:
    """Cut the square around a crop out, at a size that patches can be told at.

    Outside of the image it is white, like the page.

    Returns:
        tuple: (_SIDE, _SIDE, 3), BGR, and the matrix from there to the crop.
    """
    wide, high = size
    corners = np.array([[[0, 0], [wide, 0], [0, high], [wide, high]]]) - 0.5
    there = cv2.transform(corners, cv2.invertAffineTransform(matrix))[0] + 0.5
    box = np.concatenate([there.min(0), there.max(0)])
    square = box_matrix(box, _SIDE, _MARGIN)
    if square[0, 0] < _SMALLEST:
        # The last pixel of an odd side is not missed at this scale.
        half = [max(1, side // 2) for side in image.shape[1::-1]]
        grow = np.array([[2, 0, 0.5], [0, 2, 0.5], [0, 0, 1]])
        smaller = cv2.resize(image, half, interpolation=cv2.INTER_AREA)
        return _around(smaller, matrix @ grow, size)
    back = np.vstack([cv2.invertAffineTransform(square), [0, 0, 1]])
    return cut_out(image, square, _SIDE, outside=255), matrix @ back
