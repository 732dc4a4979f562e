"""What becomes of one picture of a data set: faces found, one cut out."""

import os
from dataclasses import dataclass
from pathlib import Path

import cv2

from .choice import choose_face
from .face_crop import FaceCrop
from .picture import PictureError, read_picture
from .yunet import YuNet

JPEG_QUALITY = 95


@dataclass(frozen=True)
class Outcome:
    """What became of a picture.

    Args:
        result (str): 'one face', 'several faces', 'no face' or 'unreadable'.
        faces (int): How many were found.
        content (bytes, optional): The crop's file; None if there is none.
        reason (str): Why it is unreadable, or can not be cut. Defaults to ''.
    """

    result: str
    faces: int = 0
    content: bytes | None = None
    reason: str = ''


def prepare_picture(path: Path, crop: FaceCrop, detector: YuNet) -> Outcome:
    """Find the faces of a picture, and cut out the one it is about.

    Args:
        path (Path): The picture. Its ending says what the crop is written as,
            so that lists of file names stay right; a JPEG has quality 95.
        crop (FaceCrop): The contract.
        detector (YuNet): What the contract states.

    Returns:
        Outcome: With the crop as a file's content. One picture that can not
        be cut doesn't stop the others: it is 'unreadable', too.
    """
    # Reading from a pipe would wait for ever.
    if os.path.exists(path) and not os.path.isfile(path):
        return Outcome('unreadable', reason=f'{str(path)!r} is no file')
    try:
        return _prepare(path, crop, detector)
    except PictureError as error:
        return Outcome('unreadable', reason=str(error))
    except (ValueError, OverflowError, MemoryError, cv2.error) as error:
        text = ' '.join(str(error).split()) or type(error).__name__
        return Outcome('unreadable', reason=f'{str(path)!r}: {text}')


def _prepare(path: Path, crop: FaceCrop, detector: YuNet) -> Outcome:
    picture = read_picture(path)
    faces = detector.detect(picture)
    face = choose_face(faces, picture.shape)
    if face is not None:
        cut = crop.crop(picture, face)
    elif crop.no_face == 'whole':
        cut = crop.whole(picture)
    else:
        return Outcome('no face')
    ending = path.suffix.lower()
    options = []
    if ending in ('.jpg', '.jpeg'):
        options = [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY]
    content = cv2.imencode(ending, cut, options)[1].tobytes()
    kinds = {0: 'no face', 1: 'one face'}
    return Outcome(kinds.get(len(faces), 'several faces'), len(faces), content)
