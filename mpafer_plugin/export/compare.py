"""Comparison of an exported model with the classifier it was made from."""

from typing import Any

import mmcv
import numpy as np
import torch

from mpafer_plugin.datasets.categories import SEVEN_EXPRESSIONS
from mpafer_plugin.datasets.synthetic.drawn_set import draw_image

from .session import Session

NUM_COMPARED = 16  # faces
LARGEST_DIFFERENCE = 1e-4
"""Allowed difference of a probability in float32 to torch's."""

LARGEST_LOSS = 0.3
"""Points of accuracy that a lower precision may lose without a warning."""


def drawn_faces(num: int, meta_input: dict[str, Any]) -> np.ndarray:
    """Draw faces as a model takes them.

    Args:
        num (int): Number of faces, B.
        meta_input (dict): ``input`` of :class:`ExportMeta`.

    Returns:
        np.ndarray: (B, 3, h, w), RGB in 0 to 255, float32.
    """
    height, width = meta_input['size']
    faces = []
    for i in range(num):
        expression = SEVEN_EXPRESSIONS[i % len(SEVEN_EXPRESSIONS)]
        face = draw_image(0, 'test', i, expression)
        face = mmcv.imresize(
            face, (width, height), interpolation=meta_input['interpolation']
        )
        faces.append(face.transpose(2, 0, 1))
    return np.stack(faces).astype(np.float32)


@torch.no_grad()
def torch_outputs(model: Any, images: np.ndarray) -> dict[str, np.ndarray]:
    """Classify images by a classifier of mmpretrain in evaluation mode.

    Args:
        model (nn.Module): The classifier.
        images (np.ndarray): (B, 3, H, W), RGB in 0 to 255, float32.

    Returns:
        dict[str, np.ndarray]: ``logits`` and ``probabilities``, (B, C).
    """
    loaded = torch.from_numpy(images[:, ::-1].copy())  # BGR, as from a file
    inputs = model.data_preprocessor(dict(inputs=loaded))['inputs']
    logits = model(inputs)
    return dict(
        logits=logits.numpy(), probabilities=logits.softmax(-1).numpy()
    )


def largest_differences(
    model: Any, session: Session, images: np.ndarray
) -> dict[str, float]:
    """Compare an exported model with its classifier, in batches of 5.

    Args:
        model (nn.Module): The classifier, in float32.
        session (Session): The exported model.
        images (np.ndarray): (B, 3, H, W), RGB in 0 to 255, float32.

    Returns:
        dict[str, float]: Largest absolute difference of ``logits`` and of
        ``probabilities``.
    """
    expected = torch_outputs(model, images)
    parts = [session(images[i : i + 5]) for i in range(0, len(images), 5)]
    return {
        name: max(
            float(np.abs(part[name] - values[5 * i : 5 * i + 5]).max())
            for i, part in enumerate(parts)
        )
        for name, values in expected.items()
    }


def compare_outputs(
    model: Any, session: Session, faces: np.ndarray | None
) -> str:
    """Describe the largest differences to a classifier on some faces.

    Args:
        model (nn.Module): The classifier, in float32.
        session (Session): The exported model.
        faces (np.ndarray, optional): (B, 3, H, W), RGB in 0 to 255, float32,
            of which :data:`NUM_COMPARED` are used. Defaults to None, drawn
            faces.

    Raises:
        ValueError: If those of a model in float32 are too large.
    """
    kind = 'faces of the data'
    if faces is None:
        kind = 'drawn faces'
        faces = drawn_faces(NUM_COMPARED, session.meta.input)
    faces = faces[:NUM_COMPARED]
    found = largest_differences(model, session, faces)
    values = ', '.join(f'{name} {x:.1e}' for name, x in found.items())
    text = f'largest difference to torch on {len(faces)} {kind}: {values}'
    largest = found['probabilities']
    if session.meta.precision == 'float32' and largest > LARGEST_DIFFERENCE:
        raise ValueError(f'{text}, more than {LARGEST_DIFFERENCE}')
    return text


def compare_accuracy(before: dict, after: dict, precision: str) -> str:
    """Describe what a lower precision costs, and whether it is much.

    Args:
        before (dict): Metrics in float32, see :class:`FERMetric`.
        after (dict): Metrics in the lower precision.
        precision (str): The lower precision.
    """
    change = after['accuracy'] - before['accuracy']
    text = (
        f'float32: accuracy {before["accuracy"]:.2f}, UAR '
        f'{before["uar"]:.2f}; {precision} changes the accuracy by '
        f'{change:+.2f} points'
    )
    if change < -LARGEST_LOSS:
        text += f', LOSING MORE THAN {LARGEST_LOSS}: test before you use it'
    return text
