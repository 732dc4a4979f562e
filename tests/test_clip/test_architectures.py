import json

import pytest

from mpafer_plugin.clip import architecture, image_size
from mpafer_plugin.clip.architectures import NEAREST
from mpafer_plugin.clip.weights import pretrained_tags


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
    'arch, reason, nearest',
    [
        ('RN50', 'ResNet', 'ViT-B-16-quickgelu'),
        ('convnext_large_d', 'convnext_large', 'ViT-L-14 '),
        ('MobileCLIP2-S0', 'fastvit_mci0', 'MobileCLIP2-B'),
        ('ViTamin-L', 'vitamin_large', 'ViT-L-14 '),
        ('coca_ViT-B-32', 'CoCa', 'ViT-B-32 '),
        ('vit_relpos_medium_patch16_cls_224', 'bias', 'ViT-B-16-quickgelu'),
        ('swin_base_patch4_window7_224', 'plain ViT', 'ViT-B-16-quickgelu'),
    ],
)
def test_towers_that_cannot_be_prompted(arch, reason, nearest):
    with pytest.raises(ValueError, match=reason) as error:
        architecture(arch)
    assert f'nearest is {nearest}' in str(error.value) + ' '


def test_pooling_of_timm(tmp_path):
    vision = dict(timm_model_name='vit_tiny_patch16_224')
    config = dict(embed_dim=8, vision_cfg=vision, text_cfg={})
    path = tmp_path / 'vit.json'
    path.write_text(json.dumps(config))
    assert architecture(str(path)) == config  # open_clip's default is 'avg'
    vision['timm_pool'] = 'abs_attn'
    path.write_text(json.dumps(config))
    with pytest.raises(ValueError, match=r"timm_pool='abs_attn'.*'map'"):
        architecture(str(path))


def test_what_is_named_as_nearest_can_be_prompted():
    for nearest in NEAREST.values():
        name, tag = nearest.rstrip(')').split(' (')
        assert architecture(name)
        assert tag in pretrained_tags(name)


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
