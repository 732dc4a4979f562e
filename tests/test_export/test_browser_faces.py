"""Faces of the page in a real browser are those of FERInferencer."""

import csv
import json

import cv2
import numpy as np
import pytest
from PIL import Image

from mpafer_plugin.apis import FERInferencer

from .pages import answers, saved

# Playwright leaves an event loop to a process: one has all of these tests.
pytestmark = [pytest.mark.slow, pytest.mark.xdist_group('browser')]


@pytest.fixture
def expected(face_tiny, yunet_file):
    return FERInferencer(face_tiny, face_model=yunet_file, dtype='float32')


def compare(found, wanted):
    assert len(found) == len(wanted)
    for a, b in zip(found, wanted, strict=True):
        np.testing.assert_allclose(a['bbox'], b['bbox'], atol=0.01)
        np.testing.assert_allclose(a['landmarks'], b['landmarks'], atol=0.01)
        assert a['face_score'] == pytest.approx(b['face_score'], abs=1e-4)
        np.testing.assert_allclose(
            a['pred_scores'], b['pred_scores'], atol=2e-3
        )
        assert a['pred_class'] == b['pred_class']
        assert list(a['probs']) == list(b['probs'])


def test_the_page_loads(visit, site):
    page = visit()
    assert 'CPU' in page.inner_text('#status')
    assert page.evaluate('crossOriginIsolated')
    assert page.locator('#examples img').count() == 7
    width = 'document.documentElement.scrollWidth'
    assert page.evaluate(width) <= page.viewport_size['width']
    assert 'not known' in page.inner_text('#facts')  # the face crop


def test_six_faces(visit, expected, canvas, tmp_path):
    """Boxes, probabilities, JSON and CSV are those of FERInferencer."""
    path = tmp_path / 'six, faces.png'
    cv2.imwrite(str(path), canvas[0])
    page = visit()
    page.set_input_files('#files', path)
    answers(page, 1)
    wanted = expected(str(path))
    (image,) = json.loads(saved(page, '#json').read_text('utf-8'))
    assert image['path'] == path.name
    assert len(wanted[0]) == 6
    compare(image['faces'], wanted[0])
    wanted.to_csv(tmp_path / 'wanted.csv')
    with (
        saved(page, '#csv').open(newline='') as found,
        (tmp_path / 'wanted.csv').open(newline='') as other,
    ):
        rows, others = list(csv.DictReader(found)), list(csv.DictReader(other))
    assert list(rows[0]) == list(others[0])  # columns
    assert rows[0]['path'] == path.name
    for name in ('face', 'x1', 'nose_y', 'face_score', 'prob_fear'):
        values = [[float(row[name]) for row in x] for x in (rows, others)]
        np.testing.assert_allclose(*values, atol=0.01)
    tags = page.locator('.tag').all_inner_texts()
    assert tags[5] == f'6 {wanted[0][5]["pred_class"]}'


@pytest.mark.parametrize(
    'size, orientation', [((2700, 2100), 1), ((500, 389), 6), ((150, 117), 1)]
)
def test_sizes(visit, expected, canvas, tmp_path, size, orientation):
    image = Image.fromarray(canvas[0][..., ::-1]).resize(size)
    image = image.rotate(90 if orientation == 6 else 0, expand=True)
    exif = Image.Exif()
    exif[0x0112] = orientation
    image.save(tmp_path / 'image.png', exif=exif)
    page = visit()
    page.set_input_files('#files', tmp_path / 'image.png')
    answers(page, 1)
    (found,) = json.loads(saved(page, '#json').read_text())
    wanted = expected(str(tmp_path / 'image.png'))[0]
    assert len(wanted) > 2
    compare(found['faces'], wanted)


def test_whole_images(visit, face_tiny, site):
    """Examples, and images without detection, are a face as a whole."""
    path = str(site / 'examples' / 'fear.jpg')
    page = visit()
    page.locator('#examples button').nth(4).click()
    answers(page, 1)
    page.locator('#find').uncheck()
    page.set_input_files('#files', path)
    answers(page, 2)
    example, file = json.loads(saved(page, '#json').read_text())
    (face,) = file['faces']
    assert [face] == example['faces']
    assert face['face_score'] is None and face['landmarks'] is None
    whole = FERInferencer(face_tiny, face='none', dtype='float32')
    ((wanted,),) = whole(path)
    assert face['bbox'] == wanted['bbox']
    np.testing.assert_allclose(
        face['pred_scores'], wanted['pred_scores'], atol=2e-3
    )


def test_deciding_patches(visit, expected, canvas, tmp_path):
    """They stay bright while the face's box has the focus."""
    path = tmp_path / 'image.png'
    cv2.imwrite(str(path), canvas[0])
    page = visit()
    page.set_input_files('#files', path)
    answers(page, 1)
    page.locator('.box').nth(0).focus()
    page.keyboard.press('Tab')
    assert page.locator('.face.current').inner_text().startswith('2 ')
    explained = expected.explain(str(path))[1]
    chosen = explained.explanation.chosen[0].numpy()
    rows, columns = chosen.shape
    side = explained.size[0]
    crop = (np.mgrid[:rows, :columns] + 0.5)[::-1] * side / rows - 0.5
    back = cv2.invertAffineTransform(explained.matrix)
    x, y = np.einsum('ij,jkl', back[:, :2], crop) + back[:, 2, None, None]
    alpha = page.evaluate(
        """points => {
          const canvas = document.querySelector('.patches');
          const {width, data} = canvas.getContext('2d').getImageData(
            0, 0, canvas.width, canvas.height,
          );
          return points.map(([x, y]) => (
            data[4 * (Math.round(y) * width + Math.round(x)) + 3] ?? 0
          ));
        }""",
        np.stack([x.ravel(), y.ravel()], 1).tolist(),
    )
    dark = np.reshape(alpha, chosen.shape) > 0
    inside = (x > 0) & (y > 0) & (x < 899) & (y < 699)
    np.testing.assert_array_equal(dark[inside], ~chosen[inside])
    page.locator('#open').focus()
    assert page.locator('.face.current').count() == 0


def test_webgpu(visit, address, face_tiny, site):
    """In software, which the page takes only if told to."""
    page = visit(f'{address}?device=webgpu')
    if 'WebGPU.' not in page.inner_text('#status'):
        pytest.skip(page.inner_text('#status'))
    page.locator('#examples button').first.click()
    answers(page, 1)
    ((face,),) = (
        x['faces'] for x in json.loads(saved(page, '#json').read_text())
    )
    whole = FERInferencer(face_tiny, face='none', dtype='float32')
    ((wanted,),) = whole(str(site / 'examples' / 'neutral.jpg'))
    np.testing.assert_allclose(
        face['pred_scores'], wanted['pred_scores'], atol=2e-3
    )
