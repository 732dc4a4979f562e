from collections.abc import Sequence
from typing import TYPE_CHECKING

import cv2
import numpy as np

from .contact_sheet import Card, draw_contact_sheet

if TYPE_CHECKING:
    from mpafer_plugin.apis.explanation import FaceExplanation

HEADS = ('picture', 'top patches of the class', 'attention rollout')

_SIDE = 400  # pixels, longer side of a drawn region
_MARGIN = 0.1  # around the crop, as a share of its side
_OPACITY = 0.55


def draw_explanations(
    picture: np.ndarray, faces: Sequence['FaceExplanation'], path: str
) -> None:
    """Draw, for each face, the patches that decided.

    Args:
        picture (np.ndarray): (H, W, 3), BGR, uint8.
        faces (Sequence[FaceExplanation]): What an inferencer gives for it,
            one or more.
        path (str): The file to write; its ending says the format.
    """
    cards = []
    for number, face in enumerate(faces, 1):
        explanation, found = face.explanation, face.face
        chosen = explanation.chosen[0].cpu().numpy()
        rollout = explanation.rollout[0].cpu().numpy()
        region = _region(picture.shape, face.matrix, face.size)
        pictures = [
            picture,
            overlay(picture, chosen.astype(float), face, smooth=False),
            overlay(picture, rollout / rollout.max(), face, smooth=True),
        ]
        cards.append(
            Card(
                f'{number} {found["pred_class"]} {found["pred_score"]:.0%}',
                f'{chosen.sum()} of {chosen.size} patches count for the local '
                'score. Rollout: patches '
                f'{rollout.sum():.0%}, class token '
                f'{float(explanation.class_share[0]):.0%}, prompts '
                f'{float(explanation.prompt_share[0]):.0%}',
                [_shown(drawn, region) for drawn in pictures],
            )
        )
    draw_contact_sheet(cards, path, HEADS, columns=min(2, len(cards)))


def overlay(
    picture: np.ndarray,
    grid: np.ndarray,
    face: 'FaceExplanation',
    smooth: bool,
) -> np.ndarray:
    """Lay values of a face's patches over the picture that it is in.

    Args:
        picture (np.ndarray): (H, W, 3), BGR, uint8.
        grid (np.ndarray): Values in [0, 1] of the patches, (h, w).
        face (FaceExplanation): Says where the patches lie.
        smooth (bool): Whether values run into each other.

    Returns:
        np.ndarray: (H, W, 3), BGR, uint8; as it was outside of the patches.
    """
    height, width = picture.shape[:2]
    # From the picture to the grid, where a patch is one pixel.
    shrink = np.array(grid.shape[::-1]) / face.size
    matrix = face.matrix * shrink[:, None]
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
        return ((1 - share) * picture + share * colours).astype(np.uint8)
    # What does not count goes grey and dark.
    grey = picture.mean(2, keepdims=True).repeat(3, axis=2) * 0.35
    share = (inside * (1 - values))[..., None]
    return ((1 - share) * picture + share * grey).astype(np.uint8)


def _region(
    shape: tuple[int, ...], matrix: np.ndarray, size: tuple[int, int]
) -> tuple[slice, slice]:
    """The part of the picture around a crop, as rows and columns."""
    wide, high = size
    corners = np.array([[0, 0], [wide, 0], [0, high], [wide, high]]) - 0.5
    inverse = cv2.invertAffineTransform(matrix)
    points = corners @ inverse[:, :2].T + inverse[:, 2]
    low, top = points.min(0), points.max(0)
    margin = _MARGIN * (top - low)
    x1, y1 = np.maximum(low - margin, 0).astype(int)
    x2, y2 = np.ceil(np.minimum(top + margin, shape[1::-1])).astype(int)
    return slice(y1, y2), slice(x1, x2)


def _shown(picture: np.ndarray, region: tuple[slice, slice]) -> np.ndarray:
    """Cut a region out, at a size that patches can be told at; RGB."""
    part = picture[region]
    scale = _SIDE / max(part.shape[:2])
    size = [max(1, round(side * scale)) for side in part.shape[1::-1]]
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    return cv2.resize(part, size, interpolation=how)[..., ::-1]
