import json

import numpy as np
import pytest

from mpafer_plugin.apis import FERInferencer, frames_of
from mpafer_plugin.faces import FaceCrop, ImageError
from tests.videos import motion_jpeg


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


def test_each_fourth_frame(whole, video):
    found = list(whole.video(video, every=4))
    assert [number for number, _, _ in found] == [0, 4, 8]
    times = [time for _, time, _ in found]
    np.testing.assert_allclose(times, [0, 0.4, 0.8], atol=1e-3)
    all_frames = [faces for _, _, faces in whole.video(video)]
    for number, _, (face,) in found:
        assert face['bbox'] == all_frames[number][0]['bbox']
        np.testing.assert_allclose(
            face['pred_scores'], all_frames[number][0]['pred_scores'],
            atol=1e-6,
        )  # fmt: skip


def test_frames_are_bgr_whatever_the_order_of_arrays(face_tiny, whole, video):
    rgb = FERInferencer(face_tiny, face='none', channel_order='rgb')
    frames = list(frames_of(video, 6))
    arrays = [np.ascontiguousarray(f.image[..., ::-1]) for f in frames]
    expected = whole([frame.image for frame in frames])
    for found in (
        [faces for _, _, faces in rgb.video(video, every=6)],
        rgb(frames),
        rgb(arrays),
    ):
        assert len(found) == 2
        for (face,), (other,) in zip(found, expected, strict=True):
            np.testing.assert_allclose(
                face['pred_scores'], other['pred_scores'], atol=1e-6
            )


def test_a_region_of_each_frame(whole, video):
    """Frames are images of their own, from an iterator too."""
    results = whole(frames_of(video, every=5))
    assert [number for number, _ in results.frames] == [0, 5, 10]
    assert results.paths == [None] * 3
    parts = (frame.image[:20, 10:50] for frame in frames_of(video, every=5))
    boxes = [face['bbox'] for (face,) in whole(parts)]
    assert boxes == [[0, 0, 40, 20]] * 3


def test_a_smoothed_video(whole, video):
    raw = [faces[0]['pred_scores'] for _, _, faces in whole.video(video)]
    mean = raw[0]
    for number, _, (face,) in whole.video(video, smoothing=0.75):
        mean = 0.75 * mean + 0.25 * raw[number]
        np.testing.assert_allclose(face['pred_scores'], mean, atol=1e-6)
        assert face['pred_class'] == whole.classes[mean.argmax()]
        assert face['pred_score'] == face['probs'][face['pred_class']]


def test_videos_that_are_none(whole, tmp_path):
    with pytest.raises(ImageError, match='no such file'):
        list(whole.video(tmp_path / 'video.mp4'))
    (tmp_path / 'bad.mp4').write_bytes(b'no video')
    with pytest.raises(ImageError, match=r'bad.mp4.* cannot be opened'):
        list(whole.video(tmp_path / 'bad.mp4'))


def test_tables_say_which_frame(whole, video, images, tmp_path):
    results = whole([images[0], video])
    assert results.frames[0] is None
    results.to_json(tmp_path / 'r.json')
    entries = json.loads((tmp_path / 'r.json').read_text())[1:]
    assert [entry['frame'] for entry in entries] == list(range(12))
    assert {entry['path'] for entry in entries} == {str(video)}
    assert entries[5]['time'] == pytest.approx(0.5, abs=1e-3)
    table = results.to_dataframe()
    assert table['frame'].tolist()[1:] == list(range(12))


@pytest.mark.parametrize(
    'missing', ['missing.mp4', 99, -1, 2**40, np.int64(-2)]
)
def test_a_stream_goes_on_behind_a_missing_video(whole, images, missing):
    found = list(whole.stream([images[0], missing, images[1]]))
    assert [len(prediction.faces) for prediction in found] == [1, 0, 1]
    assert isinstance(found[1].error, ImageError)
    assert str(missing) in str(found[1].error)
    with pytest.raises(ImageError, match=str(missing)):
        whole([images[0], missing])


def test_a_face_that_can_not_be_cut_does_not_end_a_video(
    finder, canvas, tmp_path, monkeypatch, log
):
    image = canvas[0]
    motion_jpeg(tmp_path / 'six.avi', [image] * 3, 10)
    crop, cut = FaceCrop.crop, []

    def fail_once(self, image, face):
        cut.append(face)
        if len(cut) == 8:
            raise ValueError('it is nowhere')
        return crop(self, image, face)

    monkeypatch.setattr(FaceCrop, 'crop', fail_once)
    finder.workers = 1
    found = [len(faces) for _, _, faces in finder.video(tmp_path / 'six.avi')]
    assert found == [6, 5, 6]
    assert 'a face is left out: it is nowhere' in log.text
