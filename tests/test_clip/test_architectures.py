import json

import pytest

from mpafer_plugin.clip import architecture, image_size


def test_names_and_files(tiny_arch):
    assert architecture('ViT-B-16-quickgelu')['quick_gelu'] is True
    assert architecture(tiny_arch)['embed_dim'] == 12
    assert architecture('face-tiny')['vision_cfg']['image_size'] == 64


@pytest.mark.parametrize(
    'arch, size',
    [('ViT-B-16', 224), ('ViT-L-14-336', 336), ('face-tiny', 64)],
)
def test_image_size(arch, size):
    assert image_size(arch) == size


def test_image_size_must_be_square(tiny_arch, tmp_path):
    config = architecture(tiny_arch)
    config['vision_cfg']['image_size'] = [32, 64]
    path = tmp_path / 'wide.json'
    path.write_text(json.dumps(config))
    with pytest.raises(ValueError, match=r'\[32, 64\]'):
        image_size(str(path))


def test_unknown_name_lists_the_supported_ones():
    with pytest.raises(ValueError, match="'ViT-B16'") as error:
        architecture('ViT-B16')
    assert 'ViT-B-16-quickgelu' in str(error.value)
    assert 'RN50' not in str(error.value)


@pytest.mark.parametrize(
    'arch, reason',
    [
        ('RN50', 'ResNet'),
        ('ViT-B-16-SigLIP', 'timm'),
        ('coca_ViT-B-32', 'pools by attention'),
        ('ViT-L-14-CLIPA', "pools by 'avg'"),
        ('ViT-H-14-worldwide', 'tokenizer'),
        ('roberta-ViT-B-32', 'tokenizer'),
    ],
)
def test_towers_that_cannot_be_prompted(arch, reason):
    with pytest.raises(ValueError, match=reason):
        architecture(arch)


def test_files_that_are_wrong(tmp_path):
    with pytest.raises(ValueError, match='does not exist'):
        architecture(str(tmp_path / 'none.json'))
    path = tmp_path / 'broken.json'
    path.write_text('{\n"embed_dim": 3,\n oops}')
    with pytest.raises(ValueError, match=r'broken.json:3'):
        architecture(str(path))
    path.write_text('{"embed_dim": 3}')
    with pytest.raises(ValueError, match="'text_cfg', 'vision_cfg'"):
        architecture(str(path))
