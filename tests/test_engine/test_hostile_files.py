"""Nothing that a file says is executed, whichever way it comes in."""

import io
import os
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.config import Config

from mpafer_plugin.cli.config_args import guard
from mpafer_plugin.engine import PrototypeHook
from mpafer_plugin.engine.checkpoints.file import publish


class Payload:
    """What a hostile pickle does when it is read as code."""

    def __init__(self, mark):
        self.mark = str(mark)

    def __reduce__(self):
        return os.mkdir, (self.mark,)


@pytest.fixture
def good(build_runner):
    """A checkpoint of one epoch."""
    runner = build_runner()
    runner.train()
    return Path(runner.work_dir) / 'epoch_1.pth'


@pytest.fixture
def mark(tmp_path):
    """What is there if a payload ran."""
    return tmp_path / 'ran'


@pytest.fixture
def pickled(good, mark):
    """The good file with a payload in it, its digest that of the whole."""
    checkpoint = torch.load(good) | dict(extra=Payload(mark))
    part = good.with_suffix('.part')
    torch.save(checkpoint, part)
    publish(part, good)
    content = good.read_bytes()
    yield good
    assert not mark.exists()
    # The control: read as code, the payload does run.
    torch.load(io.BytesIO(content), weights_only=False)
    assert mark.exists()


@pytest.fixture
def with_text(good, mark):
    """The good file with config text in all places where it was ever put."""
    text = f'open({str(mark)!r}, "w").close()\n'
    checkpoint = torch.load(good)
    checkpoint['meta'].update(config=text, cfg=text)
    checkpoint['message_hub']['runtime_info'].update(config=text, cfg=text)
    torch.save(checkpoint, good)
    yield good
    assert not mark.exists()
    # The control: as mmengine reads it, the text does run.
    Config.fromstring(text, file_format='.py')
    assert mark.exists()


def train_resumed(build_runner, path):
    options = {'train_cfg.max_epochs': 2, 'load_from': str(path)}
    build_runner(resume=True, **options).train()


def train_resumed_by_itself(build_runner, path):
    build_runner(resume=True, **{'train_cfg.max_epochs': 2}).train()


def train_loaded(build_runner, path):
    build_runner(load_from=str(path)).train()


def train_from_prompts(build_runner, path):
    key = 'default_hooks.checkpoint.init_prompts'
    build_runner(**{key: str(path)}).train()


def evaluate(build_runner, path):
    build_runner(load_from=str(path)).test()


WAYS_IN = [train_resumed, train_loaded, train_from_prompts, evaluate]


@pytest.mark.parametrize('way', [*WAYS_IN, train_resumed_by_itself])
def test_a_good_file(way, good, build_runner):
    way(build_runner, good)


@pytest.mark.parametrize('way', WAYS_IN)
def test_a_pickle_is_refused(way, pickled, build_runner):
    with pytest.raises(ValueError, match=r'epoch_1\.pth.*Weights only'):
        way(build_runner, pickled)


def test_a_pickle_in_the_folder_is_passed_over(pickled, build_runner, capfd):
    train_resumed_by_itself(build_runner, pickled)
    out, err = capfd.readouterr()
    assert f'{pickled} is damaged' in out + err


def test_a_pickle_as_clip_weights(pickled, build_runner):
    with pytest.raises(ValueError, match='cannot be read as CLIP weights'):
        build_runner(environment=dict(MPAFER_CLIP=str(pickled)))


@pytest.mark.parametrize('way', [*WAYS_IN, train_resumed_by_itself])
def test_config_text_is_harmless(way, with_text, build_runner):
    way(build_runner, with_text)


def test_config_text_is_dropped_by_our_tools_with_any_config(
    with_text, build_runner, monkeypatch
):
    """Also where the config has mmengine's own hook."""
    runner = build_runner(
        resume=True,
        load_from=str(with_text),
        **{
            'train_cfg.max_epochs': 2,
            'default_hooks.checkpoint._delete_': True,
            'default_hooks.checkpoint.type': 'CheckpointHook',
        },
    )
    guard(runner)
    runner.train()


@pytest.mark.parametrize('value', ['object', 'nan', 'shape', 'cut'])
def test_a_cache_of_prototypes_is_data(
    build_runner, mark, tmp_path, capfd, value
):
    runner = build_runner()
    runner._train_loop = runner.build_train_loop(runner._train_loop)
    hook = PrototypeHook(num_workers=0, cache_dir=str(tmp_path / 'cache'))
    hook.before_train(runner)
    prototypes = runner.model.head.prototypes.clone()
    (cached,) = (tmp_path / 'cache').iterdir()
    if value == 'cut':
        cached.write_bytes(cached.read_bytes()[:-9])
    else:
        array = dict(
            object=np.array([Payload(mark)], dtype=object),
            nan=np.full_like(prototypes, np.nan),
            shape=prototypes[:-1].numpy(),
        )[value]
        np.save(cached, array)
    hook.before_train(runner)
    assert not mark.exists()
    assert torch.equal(runner.model.head.prototypes, prototypes)
    np.testing.assert_allclose(np.load(cached), prototypes, rtol=1e-6)
    out, err = capfd.readouterr()
    assert 'computed anew' in out + err and str(cached) in out + err
