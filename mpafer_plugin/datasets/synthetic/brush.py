import cv2
import numpy as np
from numpy.typing import ArrayLike

from .identity import Colour
from .nuisance import Nuisance

_SHIFT = 4  # fractional bits of OpenCV's sub-pixel coordinates


class Brush:
    """Paints shapes given in face units onto an image.

    A face is a shallow bowl turned towards the camera: points far from the
    middle lie farther back, so a turn of the head moves them less than the
    nose.

    Args:
        canvas (np.ndarray): RGB image (S, S, 3), uint8, painted in place.
        nuisance (Nuisance): Pose of the head.
    """

    def __init__(self, canvas: np.ndarray, nuisance: Nuisance) -> None:
        self.canvas = canvas
        self.half = canvas.shape[0] / 2
        cos, sin = np.cos(nuisance.roll), np.sin(nuisance.roll)
        self._roll = np.array([[cos, sin], [-sin, cos]]) * nuisance.scale
        self._cos_yaw = np.cos(nuisance.yaw)
        self._sin_yaw = np.sin(nuisance.yaw)
        self._sin_pitch = np.sin(nuisance.pitch)
        self._shift = np.array(nuisance.shift)

    def project(self, points: np.ndarray, bump: float = 0.0) -> np.ndarray:
        """Turn the head and project points onto the image.

        Args:
            points (np.ndarray): (N, 2) in face units.
            bump (float): How far the points stand out of the bowl.

        Returns:
            np.ndarray: (N, 2) in pixels of the canvas.
        """
        x, y = points[:, 0], points[:, 1]
        depth = 0.5 - 0.45 * x * x - 0.3 * y * y + bump
        turned = np.empty_like(points)
        turned[:, 0] = x * self._cos_yaw + (depth - 0.3) * self._sin_yaw
        turned[:, 1] = y - (depth - 0.3) * self._sin_pitch
        return (turned @ self._roll + self._shift + 1) * self.half

    def fill(
        self, points: ArrayLike, colour: Colour, bump: float = 0.0
    ) -> None:
        """Fill a polygon (N, 2)."""
        shape = self._fixed(points, bump)
        cv2.fillPoly(self.canvas, [shape], colour, cv2.LINE_AA, _SHIFT)

    def line(
        self,
        points: ArrayLike,
        colour: Colour,
        width: float,
        bump: float = 0.0,
    ) -> None:
        """Draw an open line (N, 2), ``width`` in face units."""
        shape = self._fixed(points, bump)
        thickness = max(1, round(width * self.half))
        cv2.polylines(
            self.canvas, [shape], False, colour, thickness, cv2.LINE_AA, _SHIFT
        )

    def mask(self, points: np.ndarray) -> np.ndarray:
        """Return a mask (S, S), uint8, 255 inside a polygon."""
        mask = np.zeros(self.canvas.shape[:2], np.uint8)
        cv2.fillPoly(mask, [self._fixed(points, 0)], 255, cv2.LINE_8, _SHIFT)
        return mask

    def _fixed(self, points: ArrayLike, bump: float) -> np.ndarray:
        pixels = self.project(np.array(points, float), bump)
        return np.round(pixels * (1 << _SHIFT)).astype(np.int32)


def mix(first: Colour, second: Colour, share: float) -> Colour:
    """Blend two colours; ``share`` is the second one's, from 0 to 1."""
    share = min(max(share, 0.0), 1.0)
    return tuple(  # type: ignore[return-value]
        a + (b - a) * share for a, b in zip(first, second, strict=True)
    )


def shade(colour: Colour, factor: float) -> Colour:
    """Make a colour darker (below 1) or lighter (above 1)."""
    red, green, blue = (min(255.0, part * factor) for part in colour)
    return red, green, blue


def fold(skin: Colour, share: float) -> Colour:
    """Return the colour of a fold of the skin; ``share`` is its depth."""
    return mix(skin, shade(skin, 0.5), share)


def ellipse(
    x: float, y: float, width: float, height: float, count: int = 20
) -> np.ndarray:
    """Return the outline (count, 2) of an ellipse; half axes are given."""
    angle = np.linspace(0, 2 * np.pi, count, endpoint=False)
    return np.stack([x + width * np.cos(angle), y + height * np.sin(angle)], 1)


def place(points: ArrayLike, side: int = 1, at: ArrayLike = 0) -> np.ndarray:
    """Mirror points (N, 2) if ``side`` is -1, and shift them to ``at``."""
    return np.array(points) * (side, 1) + np.array(at)
