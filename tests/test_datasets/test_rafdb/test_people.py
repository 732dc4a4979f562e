import pytest

from mpafer_plugin.datasets.rafdb.people import read_people

LANDMARKS = '36.0\t35.5\n64\t35\n50\t50\n40\t70\n60\t70\n'


@pytest.fixture
def write(tmp_path):
    folder = tmp_path / 'basic' / 'Annotation' / 'manual'
    folder.mkdir(parents=True)

    def write(numbers):
        (folder / 'test_0001_manu_attri.txt').write_text(LANDMARKS + numbers)
        return str(tmp_path / 'basic/Image/aligned/test_0001_aligned.jpg')

    return write


def test_people(write):
    assert read_people(write('1\n2\n4\n')) == dict(
        gender='female', race='Asian', age='70 and older'
    )


def test_without_annotation(tmp_path):
    assert read_people(str(tmp_path / 'Image/aligned/test_0001.jpg')) == {}


@pytest.mark.parametrize(
    'numbers', ['1\n2\n', '1\n2\n5\n', '1\n-1\n0\n', '1\n2\n' + '1' * 5000]
)
def test_wrong_files(write, numbers):
    with pytest.raises(ValueError, match='test_0001_manu_attri'):
        read_people(write(numbers))


def test_no_utf8(write, tmp_path):
    image = write('1\n2\n4\n')
    (path,) = tmp_path.rglob('*_attri.txt')
    path.write_bytes(path.read_bytes() + b'\xe4')
    with pytest.raises(ValueError, match=r'attri\.txt:9: not UTF-8'):
        read_people(image)
