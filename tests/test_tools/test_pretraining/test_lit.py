import json
import re

import numpy as np
import pytest
import timm
import torch
from safetensors.torch import load_file, save_file

from mpafer_plugin.clip import load_clip
from mpafer_plugin.datasets import FERPlus
from tests import small_data
from tools.pretraining import lit
from tools.pretraining.feature_bank import FeatureBank
from tools.pretraining.locked_tower import locked_clip

needs_muon = pytest.mark.skipif(
    not hasattr(torch.optim, 'Muon'), reason='torch has no Muon'
)
SMALL = [
    '--text-width=32', '--text-layers=1', '--workers=1', '--epochs=3',
    '--batch-size=8', '--report-every=4', '--patches=3',
    '--captions=14', '--tries=2', '--views=2',
]  # fmt: skip


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv('MPAFER_ARCH', '')  # set by lit, put back by this
    monkeypatch.setenv('MPAFER_CLIP', '')
    small_data.ferplus(tmp_path)
    images = sorted((tmp_path / 'ferplus').rglob('*.png'))
    rows = [f'{path.name},{i % 8 % 7}' for i, path in enumerate(images)]
    (tmp_path / 'labels.csv').write_text(
        '\n'.join(['image,fer2013_label', *rows]) + '\n'
    )
    threads = torch.get_num_threads()
    torch.set_num_threads(1)

    def run(*args):
        lit.main(['ferplus', 'labels.csv', '--out=made', *SMALL, *args])

    yield run
    torch.set_num_threads(threads)


@pytest.fixture
def tower(tmp_path):
    """Image tower alone, of 24 pixels: its architecture and its weights."""
    config = dict(
        embed_dim=16,
        vision_cfg=dict(
            image_size=24, patch_size=4, layers=2, width=16, head_width=8
        ),
        text_cfg=dict(
            context_length=77, vocab_size=49408, width=8, heads=1, layers=1
        ),
    )
    (tmp_path / 'tower.json').write_text(json.dumps(config))
    with pytest.warns(UserWarning, match='RANDOM'):
        clip = load_clip(str(tmp_path / 'tower.json'), None)
    weights = {
        k: v.contiguous()
        for k, v in clip.state_dict().items()
        if k.startswith('visual.')
    }
    save_file(weights, tmp_path / 'tower.safetensors')
    return '--arch=tower.json', '--pretrained=tower.safetensors'


@needs_muon
def test_makes_a_clip_of_a_locked_tower(run, tower, tmp_path, capfd):
    run(*tower)
    told = capfd.readouterr().out
    assert 'half A: ' in told and 'global-local: accuracy' in told
    assert {p.name for p in (tmp_path / 'made').iterdir()} == {
        'made.json',
        'made.safetensors',
        'leave_out.txt',
    }
    read = re.findall(r'seed (\d): hard prompts find ([\d.]+) %', told)
    assert [seed for seed, _ in read] == ['0', '1']
    made = load_file(tmp_path / 'made/made.safetensors')
    given = load_file(tmp_path / 'tower.safetensors')
    moved = {k for k in given if not torch.equal(made[k], given[k].half())}
    assert moved == {'visual.proj'}
    clip = load_clip('made/made.json', 'made/made.safetensors')
    assert clip.transformer.width == 32
    rest = FERPlus('ferplus', leave_out='made/leave_out.txt')
    assert 0 < len(rest) < 32

    run(*tower, '--zero-shot')
    again = capfd.readouterr().out
    assert 'half A' not in again
    table = 'zero-shot, percent'
    assert again.partition(table)[1:] == told.partition(table)[1:]


@needs_muon
def test_learns_features_that_tell_labels_apart(run, tower, capfd):
    labels = np.arange(28) % 7
    tokens = 3 * torch.eye(16)[labels][:, None, None].expand(-1, 1, 3, -1)
    features = FeatureBank(tokens.half())
    args = lit.parse_args(
        ['ferplus', 'labels.csv', '--out=made', *tower, *SMALL, '--epochs=40']
    )
    _, clip = locked_clip('tower.json', 'tower.safetensors', None, 32, 1)
    before = lit.reading(clip, features, labels)
    lit.learn(clip, features, labels, args, np.random.default_rng(0))
    lines = re.findall(r' image ([\d.]+) ', capfd.readouterr().out)
    assert float(lines[-1]) < float(lines[0]) - 0.1
    assert before + 10 < lit.reading(clip, features, labels)


@needs_muon
def test_smaller_images(run, tower):
    run(*tower, '--image-size=16', '--epochs=1')
    clip = load_clip('made/made.json', 'made/made.safetensors')
    assert clip.visual.positional_embedding.shape == (1 + 16, 16)


@needs_muon
def test_a_tower_of_timm(run, tmp_path):
    model = timm.create_model('test_vit')  # timm's own, of 0.4 M values
    save_file(model.state_dict(), tmp_path / 'timm.safetensors')
    run(
        '--arch=timm:test_vit',
        '--pretrained=timm.safetensors',
        '--image-size=64',
        '--epochs=1',
    )
    clip = load_clip('made/made.json', 'made/made.safetensors')
    assert torch.equal(
        clip.visual.transformer.resblocks[0].attn.in_proj_weight,
        model.blocks[0].attn.qkv.weight.half().float(),
    )


@pytest.mark.parametrize(
    ('args', 'named'),
    [
        (['--arch=tower.json'], '--pretrained'),
        (['--arch=ViT-X', '--pretrained=openai'], 'ViT-X'),
        (['--arch=timm:vit_x'], 'vit_x'),
        (['--arch=timm:test_vit', '--pretrained=absent'], 'absent'),
        (['--image-size=30'], '30'),
        (['--batch-size=1000'], '--batch-size 1000'),
    ],
)
def test_arguments_that_cannot_be(run, tower, tmp_path, args, named):
    if not any(arg.startswith('--arch') for arg in args):
        args = [*tower, *args]
    with pytest.raises(SystemExit, match=named):
        run(*args)
    assert not (tmp_path / 'made').exists()


@pytest.mark.parametrize(
    'args', [['--views=0'], ['--text-width=48'], ['--text-layers=0']]
)
def test_numbers_that_cannot_be(run, tower, args, capsys):
    with pytest.raises(SystemExit):
        run(*tower, *args)
    assert args[0].replace('=', ' ') in capsys.readouterr().err


def test_weights_of_another_tower(run, tower, tmp_path):
    config = json.loads((tmp_path / 'tower.json').read_text())
    config['vision_cfg']['layers'] = 3
    (tmp_path / 'tower.json').write_text(json.dumps(config))
    with pytest.raises(SystemExit, match=r'resblocks\.2'):
        run(*tower)
