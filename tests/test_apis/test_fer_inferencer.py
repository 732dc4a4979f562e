import copy
import json
import os
import shutil

import cv2
import mmengine
import numpy as np
import pytest
import torch
from mmengine.evaluator import DumpResults

from mpafer_plugin.apis import FERInferencer
from mpafer_plugin.apis.device import find_device
from mpafer_plugin.apis.face_pipeline import find_batch_size
from mpafer_plugin.faces import FaceCrop, ImageError

KEYS = {
    'bbox',
    'face_score',
    'landmarks',
    'pred_class',
    'pred_label',
    'pred_score',
    'probs',
    'pred_scores',
}


def check_face(face, classes):
    assert face.keys() == KEYS
    assert list(face['probs']) == classes
    values = list(face['probs'].values())
    assert sum(values) == pytest.approx(1, abs=1e-5)
    assert face['pred_label'] == int(np.argmax(values))
    assert face['pred_class'] == classes[face['pred_label']]
    assert face['pred_score'] == max(values)
    assert face['pred_scores'].tolist() == values


def test_is_what_the_test_loop_predicts(build_runner, tmp_path):
    """From the checkpoint alone, on its own training's test images."""
    data = dict(num_train=70, num_test=28, data_root=str(tmp_path / 'drawn'))
    options = {
        f'{split}_dataloader.dataset.{key}': value
        for split in ('train', 'val', 'test')
        for key, value in data.items()
    }
    runner = build_runner('mpafer_quickstart.py', **options)
    runner.train()
    dumped = str(tmp_path / 'dumped.pkl')
    runner.test_evaluator.metrics.append(DumpResults(out_file_path=dumped))
    runner.test()
    expected = mmengine.load(dumped)

    path = tmp_path / 'work_dir' / 'epoch_1.pth'
    inferencer = FERInferencer(path, face='none', batch_size=5)
    found = inferencer([sample['img_path'] for sample in expected])
    assert inferencer.classes == list(runner.model.head.text.classes)
    for (face,), sample in zip(found, expected, strict=True):
        check_face(face, inferencer.classes)
        torch.testing.assert_close(
            torch.tensor(face['pred_scores']),
            sample['pred_score'],
            rtol=1e-4,
            atol=1e-5,
        )
    spread = np.ptp([face['pred_score'] for (face,) in found])
    assert spread > 0.01  # they are told apart


def test_six_real_faces_are_found_and_classified(finder, canvas):
    image, squares = canvas
    (faces,) = finder(image)
    assert len(faces) == 6
    for face in faces:
        check_face(face, finder.classes)
        assert 0.7 <= face['face_score'] <= 1
        assert len(face['landmarks']) == 5
    centres = [
        ((f['bbox'][0] + f['bbox'][2]) / 2, (f['bbox'][1] + f['bbox'][3]) / 2)
        for f in faces
    ]
    for x, y, side in squares:
        inside = [
            x < cx < x + side and y < cy < y + side for cx, cy in centres
        ]
        assert sum(inside) == 1


def test_a_face_is_classified_by_its_crop(finder, whole, canvas):
    image, _ = canvas
    (faces,) = finder(image)
    found = finder.prepare.detect(image)
    crops = [finder.prepare.crop.crop(image, face) for face in found]
    for face, (alone,) in zip(faces, whole(crops), strict=True):
        np.testing.assert_allclose(
            face['pred_scores'], alone['pred_scores'], atol=1e-5
        )


def test_no_face_is_an_empty_list(finder, images):
    assert finder(images[0]) == [[]]
    assert finder([]) == []


def test_a_whole_image(whole, images):
    ((face,),) = whole(images[3])
    assert face['bbox'] == [0, 0, 30, 23]
    assert face['face_score'] is face['landmarks'] is None


def test_batches_do_not_change_results(face_tiny, whole, images):
    sizes, forward = [], whole.forward

    def count(inputs):
        sizes.append(len(inputs))
        return forward(inputs)

    whole.forward = count
    together = whole(images)
    alone = [whole(image)[0] for image in images]
    assert sizes == [4, 4, 2] + 10 * [1]
    for (a,), (b,) in zip(together, alone, strict=True):
        np.testing.assert_allclose(
            a['pred_scores'], b['pred_scores'], atol=1e-6
        )


@pytest.mark.parametrize('dtype', [torch.float16, torch.bfloat16])
def test_models_of_half_precision(face_tiny, whole, images, dtype):
    half = FERInferencer(copy.deepcopy(face_tiny).to(dtype), face='none')
    for (face,), (full,) in zip(half(images), whole(images), strict=True):
        assert face['pred_scores'].dtype == np.float32
        np.testing.assert_allclose(
            face['pred_scores'], full['pred_scores'], atol=0.05
        )
    (explained,) = half.explain(images[0])
    assert explained.explanation.rollout.dtype == torch.float32


def test_given_boxes(finder, canvas):
    image, squares = canvas
    boxes = [(x, y, x + side, y + side) for x, y, side in squares]
    first, second, third = finder([image] * 3, boxes=[boxes[:2], [], None])
    assert [face['bbox'] for face in first] == [list(b) for b in boxes[:2]]
    assert all(face['face_score'] is None for face in first)
    assert second == []
    assert len(third) == 6


@pytest.mark.parametrize('number, word', [(1, 'more'), (3, 'fewer')])
def test_boxes_for_other_images(whole, images, number, word):
    with pytest.raises(ValueError, match=f'{number} entries.*{word} images'):
        whole(images[:2], boxes=[None] * number)


def test_inputs(whole, images, tmp_path, log):
    folder = tmp_path / 'folder'
    (folder / 'below').mkdir(parents=True)
    for name in ('b.png', 'a.png', 'below/c.png'):
        cv2.imwrite(str(folder / name), images[0])
    (folder / 'notes.txt').write_text('no image')
    results = whole(folder)
    names = [str(folder / name) for name in ('a.png', 'b.png', 'below/c.png')]
    assert results.paths == names
    assert '1 of 4 files are no images' in log.text
    # other names by their content; not what a system puts there
    (folder / '@eaDir').mkdir()
    cv2.imwrite(str(folder / '@eaDir/a.png'), images[0])
    (folder / 'b.png').rename(folder / 'b')
    assert whole(folder).paths == [
        str(folder / name) for name in ('a.png', 'b', 'below/c.png')
    ]
    (folder / 'b').rename(folder / 'b.png')
    mixed = whole([names[0], images[0], folder])
    assert mixed.paths == [names[0], None, *names]
    scores = [face['pred_scores'] for (face,) in mixed]
    for other in scores[1:]:
        np.testing.assert_allclose(other, scores[0], atol=1e-6)
    with pytest.raises(ValueError, match='None is no input'):
        whole(None)
    with pytest.raises(ValueError, match='float64'):
        whole(np.zeros((4, 4, 3)))


def test_a_bad_image_among_good_ones(whole, images, tmp_path):
    bad = tmp_path / 'bad.png'
    bad.write_bytes(b'no image')
    inputs = [images[0], str(bad), images[1]]
    with pytest.raises(ImageError, match=r'bad\.png'):
        whole(inputs)
    found = list(whole.stream(inputs))
    assert [len(prediction.faces) for prediction in found] == [1, 0, 1]
    assert 'bad.png' in str(found[1].error)
    assert found[0].error is found[2].error is None


def test_inputs_are_taken_as_they_are_needed(whole, images):
    taken = []

    class Many(list):
        def __iter__(self):
            for i in range(1000):
                taken.append(i)
                yield images[i % 10]

    stream = whole.stream(Many())
    next(stream)
    stream.close()
    assert len(taken) < 50


def test_the_crop_of_the_training(face_tiny, save, yunet_file, log):
    crop = FaceCrop(size=96, margin=0.25, align=False)
    path = save(face_tiny, face_crop=crop.to_dict())
    assert FERInferencer(path, face_model=yunet_file).prepare.crop == crop
    assert 'by the default' not in log.text
    path = save(face_tiny)
    inferencer = FERInferencer(path, face_model=yunet_file)
    assert inferencer.prepare.crop == FaceCrop()
    assert 'by the default' in log.text


def test_wrong_arguments(face_tiny):
    with pytest.raises(ValueError, match="face='dlib' is not one of"):
        FERInferencer(face_tiny, face='dlib')
    for size in 0, 1.5, 'many':
        with pytest.raises(ValueError, match=f'batch_size={size!r} .*auto'):
            FERInferencer(face_tiny, face='none', batch_size=size)
    assert FERInferencer(face_tiny, face='none').batch_size == 32
    assert find_batch_size('auto', 'cuda') == 128


def test_tables(whole, finder, canvas, images, tmp_path, monkeypatch):
    results = finder([canvas[0], images[0]])
    results.to_json(tmp_path / 'r.json')
    content = json.loads((tmp_path / 'r.json').read_text())
    assert [set(entry) for entry in content] == [{'path', 'faces'}] * 2
    assert content[1]['faces'] == []
    assert content[0]['faces'][0]['probs'] == results[0][0]['probs']
    results.to_csv(tmp_path / 'r.csv')
    lines = (tmp_path / 'r.csv').read_text().splitlines()
    assert len(lines) == 1 + 6 + 1
    first = dict(zip(lines[0].split(','), lines[1].split(','), strict=True))
    assert float(first['x1']) == results[0][0]['bbox'][0]
    assert float(first['nose_y']) == results[0][0]['landmarks'][2][1]
    assert float(first['prob_fear']) == results[0][0]['probs']['fear']
    assert lines[-1].strip(',') == '1'
    monkeypatch.setitem(__import__('sys').modules, 'pandas', None)
    with pytest.raises(ImportError, match='pip install pandas'):
        results.to_dataframe()


def test_dataframe(whole, images):
    import pandas

    table = whole(images[:3]).to_dataframe()
    assert isinstance(table, pandas.DataFrame)
    assert table['x2'].tolist() == [30, 30, 30]
    assert table.filter(like='prob_').sum(axis=1).tolist() == pytest.approx(
        [1, 1, 1], abs=1e-5
    )


def test_decoding_is_beside_the_model(whole, tmp_path, images):
    """What is read twice is the same: no state is shared by threads."""
    cv2.imwrite(str(tmp_path / 'a.png'), images[0])
    for i in range(30):
        shutil.copy(tmp_path / 'a.png', tmp_path / f'b{i}.png')
    scores = np.array([face['pred_scores'] for (face,) in whole(tmp_path)])
    np.testing.assert_allclose(scores, scores[:1].repeat(31, 0), atol=1e-6)


def test_threads_are_as_many_as_processors_may_be_used(face_tiny, monkeypatch):
    """Not all of the machine: a scheduler may have given a few."""
    for processors, expected in ({0}, 1), (set(range(3)), 3), (range(40), 8):
        monkeypatch.setattr(
            os, 'sched_getaffinity', lambda _, p=processors: p, raising=False
        )
        assert FERInferencer(face_tiny, face='none').workers == expected


@pytest.mark.parametrize('device', ['foo', 'cuda:99', 'mps:9'])
def test_devices_that_are_none(device):
    with pytest.raises(ValueError, match=f"device='{device}' cannot be used"):
        FERInferencer('absent.pth', device=device)


def test_devices():
    assert find_device('cpu') == torch.device('cpu')
    kind = 'cuda' if torch.cuda.is_available() else 'cpu'
    assert find_device(None).type == kind
