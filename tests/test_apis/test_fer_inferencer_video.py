import cv2
import numpy as np
import pytest

from mpafer_plugin.faces import PictureError


@pytest.fixture
def video(tmp_path, pictures):
    """12 frames, 10 a second."""
    path = tmp_path / 'film.avi'
    code = cv2.VideoWriter_fourcc(*'MJPG')
    writer = cv2.VideoWriter(str(path), code, 10, (64, 64))
    for i in range(12):
        writer.write(cv2.resize(pictures[i % 10], (64, 64)))
    writer.release()
    return path


def test_a_video_is_a_stream(whole, video):
    found = list(whole.video(video))
    assert [number for number, _, _ in found] == list(range(12))
    times = [time for _, time, _ in found]
    np.testing.assert_allclose(times, np.arange(12) / 10, atol=1e-3)
    alone = whole(video)
    for (_, _, (face,)), (other,) in zip(found, alone, strict=True):
        np.testing.assert_array_equal(
            face['pred_scores'], other['pred_scores']
        )


def test_a_smoothed_video(whole, video):
    raw = [faces[0]['pred_scores'] for _, _, faces in whole.video(video)]
    mean = raw[0]
    for number, _, (face,) in whole.video(video, smoothing=0.75):
        mean = 0.75 * mean + 0.25 * raw[number]
        np.testing.assert_allclose(face['pred_scores'], mean, atol=1e-6)
        assert face['pred_class'] == whole.classes[mean.argmax()]
        assert face['pred_score'] == face['probs'][face['pred_class']]


def test_videos_that_are_none(whole, tmp_path):
    with pytest.raises(PictureError, match='no such file'):
        list(whole.video(tmp_path / 'film.mp4'))
    (tmp_path / 'bad.mp4').write_bytes(b'no video')
    with pytest.raises(PictureError, match=r'bad.mp4.* can not be opened'):
        list(whole.video(tmp_path / 'bad.mp4'))
