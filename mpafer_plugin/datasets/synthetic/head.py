import copy

import cv2
import numpy as np

from .brush import Brush, ellipse, mix, place, shade
from .identity import Identity


def face_outline(person: Identity, jaw_drop: float) -> np.ndarray:
    """Return the outline (40, 2) of the face, in face units.

    Args:
        person (Identity): The person.
        jaw_drop (float): Intensity of AU26; the chin sinks with it.
    """
    angle = np.linspace(0, 2 * np.pi, 40, endpoint=False)
    across, down = np.sin(angle), -np.cos(angle)
    low = np.clip(down, 0, 1)
    width = person.face_width * (1 - (1 - person.jaw_width) * low * 0.55)
    chin = person.chin + 0.13 * jaw_drop
    # An exponent below 1 makes the ellipse a little square, as heads are.
    across = np.sign(across) * np.abs(across) ** 0.8
    return np.stack([across * width, np.where(down > 0, chin, 0.98) * down], 1)


def draw_head(brush: Brush, person: Identity, jaw_drop: float) -> None:
    """Draw hair behind the head, neck, ears and the face's skin."""
    back = shade(person.hair, 0.8)
    if person.hair_style > 0:
        brush.fill(ellipse(0, -0.25, person.face_width + 0.16, 0.95), back)
    if person.hair_style == 4:
        wide = person.face_width + 0.2
        hair = [[-wide, -0.3], [wide, -0.3], [wide, 1.3], [-wide, 1.3]]
        brush.fill(hair, back)
    neck = [[-0.42, 0.4], [0.42, 0.4], [0.5, 1.4], [-0.5, 1.4]]
    brush.fill(neck, shade(person.skin, 0.72))
    if person.hair_style != 4:
        for side in (-1, 1):
            x = side * (person.face_width + 0.01)
            brush.fill(ellipse(x, 0.0, 0.1, 0.2), shade(person.skin, 0.85))
    brush.fill(face_outline(person, jaw_drop), person.skin)


def draw_beard(brush: Brush, person: Identity, jaw_drop: float) -> None:
    """Darken the jaw of a person with a beard."""
    if person.beard:
        outline = face_outline(person, jaw_drop)
        jaw = outline[outline[:, 1] > 0.3]
        colour = mix(person.skin, person.brow, person.beard * 0.7)
        top = [[-0.4, 0.42], [0.0, 0.36], [0.4, 0.42]]
        brush.fill(np.concatenate([jaw, top]), colour)


def draw_hair(brush: Brush, person: Identity) -> None:
    """Draw the hair that hangs over the forehead."""
    if person.hair_style == 0:
        return
    wide = person.face_width + 0.1
    line = {1: -0.78, 2: -0.72, 3: -0.6, 4: -0.7}[person.hair_style]
    across = np.linspace(-1, 1, 13)
    if person.hair_style == 2:  # parted on one side
        edge = line - 0.16 * np.exp(-(((across + 0.35) / 0.25) ** 2))
    elif person.hair_style == 3:  # strands
        edge = line + 0.035 * np.cos(across * 18)
    else:
        edge = line - 0.08 * np.cos(across * np.pi / 2)
    edge = edge + 0.35 * np.abs(across) ** 5
    low = np.stack([across * wide, edge], 1)
    angle = np.linspace(0, np.pi, 12)  # from the right over the top
    top = np.stack([wide * np.cos(angle), -0.55 - 0.62 * np.sin(angle)], 1)
    brush.fill(np.concatenate([low, top]), person.hair)
    strand = [[-0.5, -0.98], [-0.3, line - 0.12]]
    for x in (0.0, 0.35, 0.75):
        colour = shade(person.hair, 1.25)
        brush.line(place(strand, at=(x, 0)), colour, 0.02)


def draw_glasses(brush: Brush, person: Identity) -> None:
    """Draw a frame in front of the eyes."""
    if not person.glasses:
        return
    frame = (30.0, 28.0, 32.0)
    height = person.eye_height + 0.02
    inner = person.eye_distance - 0.26
    for side in (-1, 1):
        rim = ellipse(side * person.eye_distance, height, 0.26, 0.2, 16)
        brush.line(np.concatenate([rim, rim[:1]]), frame, person.glasses)
    bridge = [[-inner, height - 0.03], [inner, height - 0.03]]
    brush.line(bridge, frame, person.glasses, bump=0.1)


def model_skin(
    brush: Brush, person: Identity, jaw_drop: float, cheek: float
) -> None:
    """Shade the flat skin: sockets, cheeks, chin, receding rim.

    Args:
        brush (Brush): Holds the canvas, which is multiplied in place.
        person (Identity): The person.
        jaw_drop (float): Intensity of AU26.
        cheek (float): How far the cheeks bulge, from 0 to 1 (AU6, AU12).
    """
    relief = np.full_like(brush.canvas, 128)
    light = copy.copy(brush)
    light.canvas = relief
    outline = face_outline(person, jaw_drop)
    light.line(np.concatenate([outline, outline[:1]]), (92,) * 3, 0.12)
    for side in (-1, 1):
        x, y = side * person.eye_distance, person.eye_height - 0.02
        light.fill(ellipse(x, y, 0.24, 0.13), (108,) * 3)
        up = 0.1 * cheek
        bright = 136 + 16 * cheek
        light.fill(ellipse(side * 0.42, 0.16 - up, 0.17, 0.1), (bright,) * 3)
        dark = 122 - 34 * cheek
        light.fill(ellipse(side * 0.46, 0.31 - up, 0.15, 0.05), (dark,) * 3)
    y = person.chin - 0.22 + 0.1 * jaw_drop
    light.fill(ellipse(0, y, 0.2, 0.04), (110,) * 3)
    kernel = brush.canvas.shape[0] // 16 * 2 + 1
    cv2.blur(relief, (kernel, kernel), dst=relief)
    cv2.multiply(brush.canvas, relief, dst=brush.canvas, scale=1 / 128)
