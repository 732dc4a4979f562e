"""Images, videos and what the crop tool writes."""

import io
import tempfile
from pathlib import Path
from random import Random

import cv2
import numpy as np
from mmengine.dataset import Compose
from mmpretrain.registry import TRANSFORMS
from PIL import Image

from mpafer_plugin.apis.frames import frames_of
from mpafer_plugin.datasets.data_root import DataRoot
from mpafer_plugin.datasets.face_crop import read_face_crop
from mpafer_plugin.datasets.loading import load_and_transform
from mpafer_plugin.datasets.verification.image_facts import image_facts
from mpafer_plugin.faces import Face, FaceCrop, ImageError
from mpafer_plugin.faces.crop_record import CropRecord, Row
from mpafer_plugin.faces.image_io import read_image

from .files import byte_file, json_file, table_file
from .harness import Finding, Target

PIXELS = np.arange(30 * 40 * 3, dtype=np.uint32).reshape(30, 40, 3) % 251
PIXELS = PIXELS.astype(np.uint8)
FORMATS = ('JPEG', 'PNG', 'BMP', 'TIFF', 'WEBP', 'GIF', 'PPM', 'JPEG2000')
ROTATED = Image.Exif()
ROTATED[274] = 6
OTHERS = (
    dict(format='JPEG', progressive=True, exif=ROTATED.tobytes()),
    dict(format='TIFF', compression='tiff_lzw'),
    dict(format='TIFF', compression='tiff_deflate'),
    dict(format='PNG', exif=ROTATED.tobytes()),
)
CODECS = dict(avi='MJPG', mp4='mp4v', webm='VP80')


def encoded(**options) -> bytes:
    """Encode an image."""
    buffer = io.BytesIO()
    Image.fromarray(PIXELS).save(buffer, **options)
    return buffer.getvalue()


def video(suffix: str) -> bytes:
    """Encode a video of eight frames."""
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder, f'video.{suffix}'))
        code = cv2.VideoWriter_fourcc(*CODECS[suffix])
        writer = cv2.VideoWriter(path, code, 10, (40, 30))
        for shift in range(8):
            writer.write(np.roll(PIXELS, shift, 1))
        writer.release()
        return Path(path).read_bytes()


IMAGES = [encoded(**o) for o in (*(dict(format=f) for f in FORMATS), *OTHERS)]


def read_one(path: Path) -> None:
    """Read an image as inference does."""
    pixels = read_image(path)
    if pixels.ndim != 3 or pixels.dtype != np.uint8 or not pixels.size:
        raise Finding(f'{pixels.shape} of {pixels.dtype}')


def read_training(path: Path) -> None:
    """Read an image as training does."""
    load = TRANSFORMS.build(dict(type='LoadImageFromFile'))
    load_and_transform(dict(img_path=str(path)), Compose([load]), None)


def read_facts(path: Path) -> None:
    """Read an image as `mpafer verify-dataset` does."""
    try:
        image_facts(path.read_bytes())
    except ValueError as error:
        raise ImageError(f'{path.name}: {error}') from error


def videos(rng: Random, folder: Path) -> Path:
    """Write a video of any format."""
    suffix = rng.choice([*CODECS])
    return byte_file(f'fuzzed.{suffix}', _video(suffix))(rng, folder)


_videos: dict[str, bytes] = {}


def _video(suffix: str) -> bytes:
    if suffix not in _videos:
        _videos[suffix] = video(suffix)
    return _videos[suffix]


def read_frames(path: Path) -> None:
    """Read the first frames of a video."""
    for frame, _ in zip(frames_of(path), range(100), strict=False):
        if not np.isfinite(frame.time) or frame.image.ndim != 3:
            raise Finding(f'{frame.time} s, {frame.image.shape}')


def read_crop(path: Path) -> None:
    """Read the crop config of a dataset, and crop a face by it."""
    path.with_name('crop_report.csv').touch()
    found = read_face_crop(DataRoot(str(path.parent)))
    assert found is not None
    crop = FaceCrop.from_dict(found)
    kinds = {name: type(value) for name, value in found.items()}
    if kinds['align'] is not bool or bool in (
        *(kinds[n] for n in ('size', 'margin', 'score_threshold')),
        kinds['longest_side'],
    ):
        raise Finding(f'{found}')
    if crop.size < 500:
        crop.crop(PIXELS, Face(np.array([2, 2, 20, 20])))


def read_report(path: Path) -> None:
    """Resume a run of `mpafer prepare-faces`."""
    target = path.parent / 'crops'
    CropRecord(target, FaceCrop()).close()
    path.rename(target / path.name)
    record = CropRecord(target, FaceCrop())
    try:
        for name in ('a.png', 'b.png'):
            if not record.is_done(name):
                record.add(Row(name, 'no face'))
        record.finish(['a.png', 'b.png'])
    finally:
        record.close()


CROP = FaceCrop().to_dict()
REPORT = [
    ['path', 'result', 'faces', 'reason'],
    ['a.png', 'one face', '1', ''],
    ['b.png', 'unreadable', '0', 'why'],
]

TARGETS = [
    Target(name, byte_file('fuzzed.jpg', *IMAGES), read, (ImageError,))
    for name, read in (
        ('image', read_one),
        ('training_image', read_training),
        ('verified_image', read_facts),
    )
]
TARGETS += [
    Target('video', videos, read_frames, (ImageError,)),
    Target(
        'crop_config', json_file('crop.json', FaceCrop().to_dict()), read_crop
    ),
    Target('crop_report', table_file('crop_report.csv', REPORT), read_report),
]
