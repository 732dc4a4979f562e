import cv2
import numpy as np

from .action_units import pick
from .brush import Brush
from .eyes import draw_brow, draw_eye
from .head import draw_beard, draw_glasses, draw_hair, draw_head, model_skin
from .identity import Identity
from .mouth import draw_mouth
from .nose import draw_forehead, draw_nose
from .nuisance import Nuisance

_OVERSAMPLING = 2  # drawn at twice the size, then reduced: smooth edges


def draw_face(
    person: Identity,
    units: np.ndarray,
    nuisance: Nuisance,
    size: int,
    rng: np.random.Generator,
) -> np.ndarray:
    """Draw one face.

    Args:
        person (Identity): The person.
        units (np.ndarray): Action units (21,), from 0 to 1.
        nuisance (Nuisance): Pose, light and the like.
        size (int): Side of the image in pixels.
        rng (np.random.Generator): For the pixels' noise.

    Returns:
        np.ndarray: RGB image (size, size, 3), uint8.
    """
    side = size * _OVERSAMPLING
    canvas = np.empty((side, side, 3), np.uint8)
    canvas[:] = nuisance.background
    brush = Brush(canvas, nuisance)
    raised, jaw = pick(units, 'AU6', 'AU26')
    smile = pick(units, 'AU12L', 'AU12R').mean()
    draw_head(brush, person, jaw)
    draw_beard(brush, person, jaw)
    model_skin(brush, person, jaw, cheek=min(1.0, raised + 0.4 * smile))
    draw_forehead(brush, person, units)
    for eye in (-1, 1):
        draw_eye(brush, person, units, eye, nuisance.gaze)
    draw_nose(brush, person, units)
    draw_mouth(brush, person, units)
    draw_hair(brush, person)
    for eye in (-1, 1):
        draw_brow(brush, person, units, eye)
    draw_glasses(brush, person)
    if nuisance.occluder:
        _occlude(canvas, nuisance)
    if nuisance.blur * side / 2 > 0.3:
        cv2.GaussianBlur(canvas, (0, 0), nuisance.blur * side / 2, dst=canvas)
    image = cv2.resize(canvas, (size, size), interpolation=cv2.INTER_AREA)
    return _expose(image, nuisance, rng)


def _occlude(canvas: np.ndarray, nuisance: Nuisance) -> None:
    assert nuisance.occluder is not None
    half = canvas.shape[0] / 2
    x, y, width, height = (part * half for part in nuisance.occluder)
    centre = round(x + half), round(y + half)
    axes = round(width), round(height)
    angle = np.degrees(nuisance.light_angle)
    colour = nuisance.occluder_colour
    cv2.ellipse(canvas, centre, axes, angle, 0, 360, colour, -1, cv2.LINE_AA)


def _expose(
    image: np.ndarray, nuisance: Nuisance, rng: np.random.Generator
) -> np.ndarray:
    """Apply light from one side, exposure, contrast, tint and noise."""
    axis = np.linspace(-1, 1, image.shape[0], dtype=np.float32)
    across = np.float32(np.cos(nuisance.light_angle) * nuisance.light) * axis
    down = np.float32(np.sin(nuisance.light_angle) * nuisance.light) * axis
    light = nuisance.exposure * (1 + across[None, :] + down[:, None])
    light = light[:, :, None] * np.asarray(nuisance.tint, np.float32)
    lit = (image * light - 128) * np.float32(nuisance.contrast) + 128
    noise = rng.standard_normal(image.shape[:2], np.float32)
    lit += (noise * np.float32(nuisance.noise))[:, :, None]
    return np.clip(lit, 0, 255).astype(np.uint8)
