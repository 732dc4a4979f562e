from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import cv2
import numpy as np

from mpafer_plugin.faces.alignment import box_matrix, cut_out

from .contact_sheet import Card, draw_contact_sheet
from .lettering import lettering

if TYPE_CHECKING:
    from mpafer_plugin.apis.explanation import FaceExplanation
    from mpafer_plugin.apis.face_pipeline import PreparedFace

HEADS = ('image', 'top patches of the class', 'attention rollout')

_SIDE = 400  # pixels, of the square drawn
_MARGIN = 0.05  # around the crop, as a share of its side
_OPACITY = 0.55  # of the heat map
_MIN_SCALE = 1 / 8  # of one cut, whose memory grows with the square


class FaceView(NamedTuple):
    """Square of an image around a face crop, for drawing.

    Args:
        image (np.ndarray): (H, W, 3), BGR, uint8; white outside the original.
        matrix (np.ndarray): (2, 3), from this square to the crop.
    """

    image: np.ndarray
    matrix: np.ndarray


def view_faces(
    image: np.ndarray, faces: Iterable['FaceExplanation | PreparedFace']
) -> list[FaceView]:
    """Cut out the surroundings of face crops.

    Args:
        image (np.ndarray): (H, W, 3), BGR, uint8.
        faces: Faces of the image, with ``matrix`` and ``size``.

    Returns:
        list[FaceView]: One for each face, 400 x 400 pixels.
    """
    return [_view(image, face.matrix, face.size) for face in faces]


def draw_explanations(
    views: Sequence[FaceView], faces: Sequence['FaceExplanation'], path: str
) -> None:
    """Draw the patches that each face's prediction rests on.

    Args:
        views (Sequence[FaceView]): See :func:`view_faces`.
        faces (Sequence[FaceExplanation]): Explanation of each face, at least
            one.
        path (str): File to write; its suffix sets the format.
    """
    cards = []
    for number, (view, face) in enumerate(zip(views, faces, strict=True), 1):
        explanation: Any = face.explanation
        found = face.face
        chosen = explanation.chosen[0].cpu().numpy()
        image, matrix = view
        text, local = 'The local score is off: no patch counts', image
        if chosen.any():
            text = (
                f'{chosen.sum()} of {chosen.size} patches count for the local '
                'score'
            )
            grid = chosen.astype(float)
            local = overlay(image, grid, matrix, face.size, smooth=False)
        images = [image, local]
        if explanation.rollout is not None:
            rollout = explanation.rollout[0].cpu().numpy()
            text += (
                f'. Rollout: patches {rollout.sum():.0%}, class token '
                f'{float(explanation.class_share[0]):.0%}, prompts '
                f'{float(explanation.prompt_share[0]):.0%}'
            )
            grid = rollout / rollout.max()
            images.append(overlay(image, grid, matrix, face.size, smooth=True))
        name = lettering(tuple(found['probs'])).name(found['pred_class'])
        title = f'{number} {name} {found["pred_score"]:.0%}'
        images = [drawn[..., ::-1] for drawn in images]
        cards.append(Card(title, text, images))
    heads = HEADS[: len(cards[0].images)]
    draw_contact_sheet(cards, path, heads, columns=min(2, len(cards)))


def overlay(
    image: np.ndarray,
    grid: np.ndarray,
    matrix: np.ndarray,
    size: tuple[int, int],
    smooth: bool,
) -> np.ndarray:
    """Overlay an image with values of the patches of a face crop.

    Args:
        image (np.ndarray): (H, W, 3), BGR, uint8.
        grid (np.ndarray): Values of the patches in [0, 1], (h, w).
        matrix (np.ndarray): (2, 3), from the image to the crop, which the
            patches divide.
        size (tuple[int, int]): Width and height of the crop in pixels.
        smooth (bool): Draw a heat map of interpolated values; otherwise
            darken each patch by 1 - value.

    Returns:
        np.ndarray: (H, W, 3), BGR, uint8; unchanged outside the crop.
    """
    # From the image to the grid, in which a patch is one pixel.
    scale = np.array(grid.shape[::-1]) / size
    matrix = matrix * scale[:, None]
    matrix[:, 2] += (scale - 1) / 2

    def warp(layer: np.ndarray, how: int, border: int) -> np.ndarray:
        flags = cv2.WARP_INVERSE_MAP | how
        return cv2.warpAffine(
            layer.astype(np.float32),
            matrix,
            image.shape[1::-1],
            flags=flags,
            borderMode=border,
        )

    inside = warp(np.ones_like(grid), cv2.INTER_NEAREST, cv2.BORDER_CONSTANT)
    if smooth:
        values = warp(grid, cv2.INTER_LINEAR, cv2.BORDER_REPLICATE)
        levels = (255 * np.clip(values, 0, 1)).astype(np.uint8)
        colours = cv2.applyColorMap(levels, cv2.COLORMAP_INFERNO)
        share = (_OPACITY * inside)[..., None]
    else:
        values = warp(grid, cv2.INTER_NEAREST, cv2.BORDER_REPLICATE)
        colours = 0.35 * image.mean(2, keepdims=True)  # grey
        share = (inside * (1 - values))[..., None]
    return ((1 - share) * image + share * colours).astype(np.uint8)


def _view(
    image: np.ndarray, matrix: np.ndarray, size: tuple[int, int]
) -> FaceView:
    wide, high = size
    corners = np.array([[[0, 0], [wide, 0], [0, high], [wide, high]]]) - 0.5
    there = cv2.transform(corners, cv2.invertAffineTransform(matrix))[0] + 0.5
    box = np.concatenate([there.min(0), there.max(0)])
    square = box_matrix(box, _SIDE, _MARGIN)
    if square[0, 0] < _MIN_SCALE:
        # At this scale the last pixel of an odd side does not matter.
        half = [max(1, side // 2) for side in image.shape[1::-1]]
        grow = np.array([[2, 0, 0.5], [0, 2, 0.5], [0, 0, 1]])
        smaller = cv2.resize(image, half, interpolation=cv2.INTER_AREA)
        return _view(smaller, matrix @ grow, size)
    back = np.vstack([cv2.invertAffineTransform(square), [0, 0, 1]])
    part = cut_out(image, square, _SIDE, outside=255)
    return FaceView(part, matrix @ back)
