import json

import pytest

from mpafer_plugin.clip import normalization

HALF = [127.5] * 3


@pytest.mark.parametrize(
    'arch, weights, mean',
    [
        ('ViT-B-16-quickgelu', 'openai', 122.7709383),
        ('ViT-B-16-SigLIP2', 'webli', 127.5),
        ('ViT-B-16-SigLIP2', 'some/file.pt', 127.5),  # as of all its tags
        ('ViT-B-16-SigLIP2', '~no-such-user/file.pt', 127.5),
        ('ViT-B-16-SigLIP2', None, 127.5),
        ('ViT-L-14', 'laion2b_s32b_b82k', 127.5),
        ('ViT-L-14', 'some/file.pt', 122.7709383),  # its tags differ
        ('MobileCLIP2-B', 'dfndr2b', 0),
        ('face-tiny', 'face-tiny', 122.7709383),
    ],
)
def test_by_tag_or_architecture(arch, weights, mean):
    found = normalization(arch, weights)
    assert found['mean'][0] == pytest.approx(mean)
    assert len(found['std']) == 3


def test_of_clip_exactly():
    assert normalization('ViT-B-16-quickgelu', 'openai') == dict(
        mean=pytest.approx([122.7709383, 116.7460125, 104.09373615]),
        std=pytest.approx([68.5005327, 66.6321579, 70.32316305]),
    )


def test_of_a_folder(tmp_path, tiny_arch):
    config = dict(preprocess_cfg=dict(mean=[0.5] * 3, std=[0.25] * 3))
    (tmp_path / 'open_clip_config.json').write_text(json.dumps(config))
    assert normalization(tiny_arch, str(tmp_path)) == dict(
        mean=HALF, std=[63.75] * 3
    )


@pytest.mark.parametrize(
    'content, message',
    [
        ('[1]', r'\[1\]'),
        ('{"preprocess_cfg": "x"}', "'x'"),
        ('{"preprocess_cfg": {"mean": [0.5, 0.5]}}', r'mean=\[0.5, 0.5\]'),
        ('{"preprocess_cfg": {"mean": [0.5, 0.5, NaN]}}', 'nan'),
        ('{"preprocess_cfg": {"std": [0, 0, 0]}}', r'std=\[0, 0, 0\]'),
        ('{"preprocess_cfg": {"std": [[], 1, 1]}}', r'std=\[\[\], 1, 1\]'),
        ('{', 'not valid JSON'),
    ],
)
def test_of_a_folder_that_is_wrong(content, message, tmp_path, tiny_arch):
    (tmp_path / 'open_clip_config.json').write_text(content)
    with pytest.raises(ValueError, match=f'open_clip_config.json.*{message}'):
        normalization(tiny_arch, str(tmp_path))


def test_configs_follow_the_weights(load_config):
    cfg = load_config(
        'mpafer_rafdb.py',
        dict(MPAFER_ARCH='ViT-B-16-SigLIP', MPAFER_CLIP='webli'),
    )
    assert cfg.model.data_preprocessor.mean == HALF
    assert cfg.model.data_preprocessor.to_rgb is True
