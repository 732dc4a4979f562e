"""A page that runs an exported model in the browser."""

import json
import logging
import shutil
from dataclasses import asdict, replace
from importlib.resources import as_file, files
from pathlib import Path

import cv2
import numpy as np

from mpafer_plugin.datasets.synthetic import (
    draw_face,
    sample_expression,
    sample_identity,
    sample_nuisance,
)
from mpafer_plugin.datasets.synthetic.action_units import PROTOTYPES
from mpafer_plugin.faces import FaceCrop
from mpafer_plugin.faces.yunet_weights import find_yunet

from .metadata import ExportMeta
from .web_runtime import read_runtime

logger = logging.getLogger(__name__)

INTERPOLATIONS = ('bilinear', 'bicubic')
"""Ways of resizing that the page has."""

EXAMPLE_SIDE = 240  # pixels
_EXAMPLE_SEED = 0


class WebPage:
    """Page for one model; all that it needs is read before it is written.

    Args:
        meta (ExportMeta): Description of the model.
        runtime (Path, optional): See :func:`read_runtime`. Defaults to None.
        face_model (Path, optional): See :func:`find_yunet`. Defaults to None.

    Raises:
        ValueError: If the page cannot resize as the model needs it, or a
            given file is not what it should be.
        ConnectionError: If something cannot be downloaded.
    """

    def __init__(
        self,
        meta: ExportMeta,
        runtime: Path | None = None,
        face_model: Path | None = None,
    ):
        how = meta.input['interpolation']
        if how not in INTERPOLATIONS:
            raise ValueError(
                f'interpolation={how!r} of the test pipeline: the page has '
                f'{", ".join(INTERPOLATIONS)}'
            )
        self._crop = FaceCrop()
        if meta.crop is not None:
            self._crop = FaceCrop.from_dict(meta.crop)
        path, digest = find_yunet(face_model)
        if digest != self._crop.detector_digest:
            logger.warning(
                f'the detector has the SHA-256 {digest}, the crop config '
                f'states {self._crop.detector_digest}: faces may be found '
                'and turned differently than in training'
            )
        self._detector = detector_of_any_size(path)
        self._runtime = read_runtime(runtime)

    def write(self, folder: Path, meta: ExportMeta) -> None:
        """Write the page beside ``model.onnx``.

        Args:
            folder (Path): The folder of the model.
            meta (ExportMeta): Description of the model.
        """
        with as_file(files(__package__) / 'web') as source:
            shutil.copytree(source, folder, dirs_exist_ok=True)
        (folder / 'page' / 'yunet.onnx').write_bytes(self._detector)
        for name, content in self._runtime.items():
            target = folder / 'ort' / name
            target.parent.mkdir(exist_ok=True)
            target.write_bytes(content)
        drawn = [name for name in meta.classes if name in PROTOTYPES]
        for number, name in enumerate(drawn):
            target = folder / 'examples' / f'{name}.jpg'
            target.parent.mkdir(exist_ok=True)
            face = draw_example(number, name)[..., ::-1]
            target.write_bytes(cv2.imencode('.jpg', face)[1].tobytes())
        # What a browser cannot read from model.onnx.
        values = asdict(meta) | dict(
            crop=self._crop.to_dict(),
            crop_known=meta.crop is not None,
            examples=drawn,
        )
        text = json.dumps(values, indent=1, ensure_ascii=False)
        (folder / 'model.json').write_text(text + '\n', encoding='utf-8')


def detector_of_any_size(path: Path) -> bytes:
    """Return YuNet for images of any size.

    OpenCV ignores the size that its ONNX file states, onnxruntime does not.

    Args:
        path (Path): The published model.

    Raises:
        ValueError: If it is another model.
    """
    import onnx

    try:
        model = onnx.load(path)
        (pixels,) = model.graph.input
        outputs = {x.name: x for x in model.graph.output}
        for name in ('cls', 'obj', 'bbox', 'kps'):
            for stride in (8, 16, 32):
                shape = outputs[f'{name}_{stride}'].type.tensor_type.shape
                shape.dim[1].dim_param = f'anchors_{stride}'
        if pixels.name != 'input':
            raise KeyError('input')
    except Exception as error:  # protobuf raises anything
        raise ValueError(
            f'{str(path)!r} is not the YuNet that the page runs, as it has '
            f'other inputs and outputs: {type(error).__name__}: {error}'
        ) from error
    for dim, side in zip(
        pixels.type.tensor_type.shape.dim[2:], ('height', 'width'), strict=True
    ):
        dim.dim_param = side
    model.graph.ClearField('value_info')  # shapes of intermediate values
    return model.SerializeToString()


def draw_example(number: int, expression: str) -> np.ndarray:
    """Draw a face, (H, W, 3) RGB, in good light and with nothing before it."""
    rng = np.random.default_rng([_EXAMPLE_SEED, number])
    person = sample_identity(rng)
    units = sample_expression(rng, expression)
    nuisance = replace(
        sample_nuisance(rng),
        occluder=None,
        noise=0,
        blur=0,
        exposure=1,
        contrast=1,
    )
    return draw_face(person, units, nuisance, EXAMPLE_SIDE, rng)
