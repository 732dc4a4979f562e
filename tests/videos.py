"""Small videos."""

from pathlib import Path

import cv2
import numpy as np


def motion_jpeg(path: Path, frames: list[np.ndarray], rate: float) -> Path:
    """Write frames (H, W, 3), BGR, at an even rate."""
    code = cv2.VideoWriter.fourcc(*'MJPG')
    size = frames[0].shape[1::-1]
    writer = cv2.VideoWriter(str(path), code, rate, size)
    for frame in frames:
        writer.write(frame)
    writer.release()
    return path


def live_matroska(
    path: Path, frames: list[np.ndarray], times: list[int]
) -> Path:
    """Write frames at any times, in ms, as the recorder of a browser does.

    Neither a rate nor a duration is stated; see the Matroska specification,
    RFC 9559, for the numbers of its elements.
    """
    height, width = frames[0].shape[:2]
    video = _number('B0', width) + _number('BA', height)
    track = _number('D7', 1) + _number('73C5', 1) + _number('83', 1)
    track += _element('86', b'V_MJPEG') + _element('E0', video)
    info = _number('2AD7B1', 10**6)  # nanoseconds in a unit of time
    info += _element('4D80', b'test') + _element('5741', b'test')
    content = _element('1549A966', info)
    content += _element('1654AE6B', _element('AE', track))
    for frame, time in zip(frames, times, strict=True):
        jpeg = cv2.imencode('.jpg', frame)[1].tobytes()
        block = _element('A3', b'\x81\x00\x00\x80' + jpeg)
        content += _element('1F43B675', _number('E7', time) + block)
    head = _element('1A45DFA3', _element('4282', b'matroska'))
    unknown_size = bytes.fromhex('18538067 01FFFFFFFFFFFFFF')
    path.write_bytes(head + unknown_size + content)
    return path


def _element(name: str, content: bytes) -> bytes:
    size = (1 << 56 | len(content)).to_bytes(8, 'big')
    return bytes.fromhex(name) + size + content


def _number(name: str, value: int) -> bytes:
    return _element(name, value.to_bytes(4, 'big'))
