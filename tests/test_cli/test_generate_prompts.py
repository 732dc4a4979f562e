import json
import os
import runpy
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from mpafer_plugin.datasets.categories import SEVEN_EXPRESSIONS
from mpafer_plugin.models import PromptedCLIPText
from tests.chat_server import GOOD, ChatServer, chat
from tests.conftest import CONFIGS, ROOT

TOOL = ROOT / 'tools' / 'generate_prompts.py'
KEY = 'sk-not-to-be-seen-0123456789'
CLASSES = ['--classes', 'fear', 'in pain']


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv('OPENAI_API_KEY', KEY)
    monkeypatch.setenv('NO_PROXY', '127.0.0.1')
    with ChatServer() as server:
        yield server


@pytest.fixture
def run(server, tmp_path, monkeypatch, capsys):
    """Function that runs the tool in this process, for speed."""

    def run(*args, base_url=server.url):
        monkeypatch.chdir(tmp_path)
        usual = ['--base-url', base_url, '--model', 'm', '--out', 'p.json']
        monkeypatch.setattr(sys, 'argv', [str(TOOL), *usual, *args])
        with pytest.raises(SystemExit) as end:
            runpy.run_path(str(TOOL), run_name='__main__')
        out, err = capsys.readouterr()
        assert KEY not in out + err
        for path in filter(Path.is_file, tmp_path.iterdir()):
            assert KEY not in path.read_text()
        return end.value.code, out, err

    return run


def test_prompts_of_a_shorter_text_tower(run, server, tmp_path):
    long = 'raised lids, ' + 'a wide open mouth, ' * 6
    server.script = [long] * 6
    code, out, _ = run(*CLASSES, '--max-tokens', '32')
    assert code == 0
    assert 'fear, 27 of 32 tokens: ' in out
    text = PromptedCLIPText(
        'face-tiny', 'face-tiny', ['fear'], hard_prompts='p.json'
    )
    assert text.tokenizer(text.hard_texts[0])[1].item() <= 32


def test_it_writes_and_tells(run, server, tmp_path):
    long = 'the inner brows raised and drawn together, ' * 12
    server.script = ['raised lids', 'wide eyes', *[long] * 3, ':smile: grin']
    code, out, _ = run(*CLASSES, '--contrast', 'fear', 'in pain')
    assert code == 0
    content = json.loads((tmp_path / 'p.json').read_text())
    assert content['classes']['in pain']['against'] == [None, 'fear']
    for line in (
        'fear, 17 of 77 tokens: raised lids\n',
        'fear, against in pain, 17 of 77 tokens: wide eyes\n',
        '  CUT from 111 tokens: the inner brows',
        'in pain, against fear, 20 of 77 tokens: :smile: grin\n',
        'written: model.head.text.hard_prompts=p.json\n',
    ):
        assert line in out, out
    assert server.requests[0]['headers']['Authorization'] == f'Bearer {KEY}'


def test_errors_and_going_on(run, server, tmp_path):
    server.script = [GOOD, dict(status=401, body=f'wrong: {KEY}')]
    code, _, err = run(*CLASSES)
    assert code == 1
    told, kept = err.splitlines()
    assert told == (
        f'{server.url}: status 401 (OPENAI_API_KEY is set): '
        "'wrong: [OPENAI_API_KEY]'"
    )
    assert (
        kept == 'p.json.part has the answers so far; the same command resumes'
    )
    assert not (tmp_path / 'p.json').exists()

    code, out, _ = run(*CLASSES, '--dry-run')
    assert code == 0
    assert 'fear, answered already: What' in out
    assert '1 questions of' in out

    code, _, err = run(*CLASSES, '--model', 'another')
    assert code == 2 and "the model 'm', not 'another'" in err
    code, out, _ = run(*CLASSES)
    assert code == 0
    assert len(server.requests) == 3

    (tmp_path / 'p.json').write_text('mine')
    code, _, err = run(*CLASSES)
    assert (code, err) == (2, 'p.json exists; --force overwrites it\n')
    code, out, _ = run(*CLASSES, '--dry-run')
    assert code == 0 and 'Reasoning costs more' in out
    code, out, _ = run(*CLASSES, '--force')
    assert code == 0
    assert (
        f"WARNING: 'fear' and 'in pain' have the same description: {GOOD}\n"
        in out
    )
    assert (tmp_path / 'p.json').read_text() != 'mine'


def test_a_model_that_refuses(run, server):
    refusal = dict(refusal="I can't judge faces.")
    server.script = [dict(body=chat(message=refusal))] * 3
    code, _, err = run(*CLASSES)
    assert code == 1
    assert len(server.requests) == 4  # the other class too
    assert err.startswith(
        "no usable answer about 'fear'; the last of 3: the answer is a "
        'refusal: "I can\'t judge faces."\n'
    )


def test_time_out(run, server):
    server.script = [dict(wait=1)] * 2
    code, _, err = run(*CLASSES, '--timeout', '0.2', '--retries', '1')
    assert (code, err) == (1, f'{server.url}: no answer within 0.2 s\n')
    assert len(server.requests) == 2


def test_dry_run_needs_neither_network_nor_openai(run, server, no_openai):
    code, out, _ = run(*CLASSES, '--dry-run', '--contrast', 'fear', 'in pain')
    assert code == 0
    assert not server.requests
    lines = out.splitlines()
    tokens = [int(line.split(', ')[1].split()[0]) for line in lines[:4]]
    assert all(80 < number < 120 for number in tokens)
    # 2 answers of 62 tokens and 2 of 61 are what the prompts have room for
    assert f'4 questions of {sum(tokens)} tokens, and at most 246' in out
    assert "open_clip's tokenizer" in out

    code, _, err = run(*CLASSES)
    assert code == 2
    assert "pip install 'openai" in err


def test_classes_of_a_config(run, server, tiny_arch, tmp_path, monkeypatch):
    monkeypatch.setenv('MPAFER_ARCH', tiny_arch)
    base = CONFIGS / 'mpafer_rafdb.py'
    config = tmp_path / 'mine.py'
    config.write_text(
        f'_base_ = [{str(base)!r}]\n'
        "names = dict(fear='fright')\n"
        'model = dict(head=dict(text=dict(prompt_names=names)))'
    )
    assert run('--from-dataset', str(config))[0] == 0
    content = json.loads((tmp_path / 'p.json').read_text())
    assert tuple(content['classes']) == SEVEN_EXPRESSIONS
    assert 'expression of fright?' in server.questions[4]


def test_classes_of_the_data_of_a_config(run, data_root, tmp_path):
    config = tmp_path / 'resnet.py'
    root = str(data_root / 'rafdb')
    config.write_text(
        'train_dataloader = dict(dataset=dict('
        f"type='RAFDB', data_root={root!r}, compound=True))"
    )
    code, out, err = run('--from-dataset', str(config), '--dry-run')
    assert code == 0, err
    assert '11 questions' in out and 'fearfully surprised' in out
    config.write_text('model = dict()')
    code, _, err = run('--from-dataset', str(config), '--dry-run')
    assert code == 2
    assert 'neither model.head.text.classes nor train_dataloader' in err


@pytest.mark.parametrize(
    ('args', 'message'),
    [
        ([], 'one of the arguments --classes --from-dataset is required'),
        ([*CLASSES, '--out', 'p.txt'], "'p.txt': must end in .json"),
        ([*CLASSES, '--out', 'no/p.json'], "'no/p.json': no folder no"),
        ([*CLASSES, '--timeout', '0'], '--timeout 0: must be more than 0'),
        ([*CLASSES, '--timeout', 'nan'], '--timeout nan: must be more'),
        ([*CLASSES, '--timeout', 'inf'], '--timeout inf: must be more'),
        ([*CLASSES, '--timeout', '1e12'], 'and 86400 at most'),
        ([*CLASSES, '--retries', '-1'], '--retries -1: must be 0 or more'),
        ([*CLASSES, '--descriptions', '0'], 'descriptions=0 is less than 1'),
        ([*CLASSES, '--contrast', 'fear', 'joy'], "'joy' is not among"),
        ([*CLASSES, '--base-url', 'localhost'], "not 'localhost'"),
        ([*CLASSES, '--base-url', 'http://\u2026.x/v1'], 'Invalid IDNA'),
        ([*CLASSES, '--model', ''], "the name '' is empty"),
        (['--classes', 'in\udcffpain'], r"the name 'in\udcffpain'"),
        (['--classes', 'fear', 'Fear'], "are 'fear'"),
        (['--from-dataset', 'none.py'], 'none.py'),
        (
            ['--from-dataset', 'mpafer_rafdb.py'],
            'mpafer_plugin::mpafer_rafdb.py',
        ),
    ],
)
def test_wrong_options(run, server, args, message):
    code, _, err = run(*args)
    assert code == 2
    assert message in err
    assert 'Traceback' not in err
    assert not server.requests


@pytest.mark.parametrize(
    ('config', 'message'),
    [
        ('x = = 1', 'SyntaxError: invalid syntax'),
        ('model = dict(head=[1])', 'neither model.head.text.classes nor'),
        ('model = None', 'neither model.head.text.classes nor'),
        ('train_dataloader = None', 'neither model.head.text.classes nor'),
        ('train_dataloader = dict(batch_size=1)', 'AttributeError: '),
        (
            "train_dataloader = dict(dataset=dict(type='Nope'))",
            "KeyError: 'Nope is not in",
        ),
        (
            "custom_imports = dict(imports=['no_such'],"
            ' allow_failed_imports=False)',
            'ImportError: ',
        ),
        (
            "model = dict(head=dict(text=dict(classes='fear')))",
            "classes must be a list of names, not 'fear'",
        ),
    ],
)
def test_wrong_configs(run, tmp_path, config, message):
    (tmp_path / 'c.py').write_text(config)
    code, _, err = run('--from-dataset', 'c.py', '--dry-run')
    assert code == 2
    (line,) = err.splitlines()
    assert message in line


def test_words_of_the_config_where_the_data_has_the_classes(run, tmp_path):
    (tmp_path / 'c.py').write_text(
        "side = dict(prompt_names=dict(fear='fright'))\n"
        'model = dict(head=dict(text=side))\n'
        "train_dataloader = dict(dataset=dict(type='BaseDataset',"
        " metainfo=dict(classes=['fear', 'joy']), lazy_init=True,"
        " ann_file='x.json'))"
    )
    code, out, err = run('--from-dataset', 'c.py', '--dry-run')
    assert code == 0, err
    assert 'expression of fright?' in out and 'expression of joy?' in out


def test_a_folder_is_no_out_file(run, server, tmp_path):
    (tmp_path / 'q.json').mkdir()
    code, _, err = run(*CLASSES, '--out', 'q.json', '--force')
    assert code == 2 and err.endswith("'q.json' is a folder\n")
    assert not server.requests


def test_a_terminal_of_few_signs(run, server, monkeypatch):
    server.script = ['raised brows \u00e9']
    sys.stdout.reconfigure(encoding='ascii', errors='strict')
    try:
        code, out, _ = run('--classes', 'fear')
    finally:
        sys.stdout.reconfigure(encoding='utf-8')
    assert code == 0
    assert r'raised brows \xe9' in out


@pytest.mark.slow
def test_killed_then_trained_from(server, tmp_path):
    """All of it with real commands, on drawn faces."""
    environment = os.environ | dict(MPAFER_DATA=str(tmp_path / 'data'))
    config = CONFIGS / 'mpafer_quickstart.py'

    def start(tool, *args):
        return subprocess.Popen(
            [sys.executable, str(ROOT / 'tools' / tool), *map(str, args)],
            cwd=tmp_path,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    command = ['generate_prompts.py', '--from-dataset', config]
    command += ['--base-url', server.url, '--model', 'm', '--out', 'p.json']
    server.script = ['first lids', 'second lids', dict(wait=60)]
    killed = start(*command)
    while len(server.requests) < 3:
        assert killed.poll() is None, killed.stdout.read()
        time.sleep(0.1)
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    assert not (tmp_path / 'p.json').exists()
    server.script = [f'{word} lips' for word in ('red', 'thin', 'big', 'dry')]
    again = start(*command)
    output, _ = again.communicate()
    assert again.returncode == 0, output
    # two before, the one it was killed in, five after
    assert len(server.requests) == 8

    training = start(
        'train.py',
        config,
        '--work-dir',
        'out',
        '--cfg-options',
        'train_cfg.max_epochs=1',
        'train_dataloader.dataset.num_train=140',
        'val_dataloader.dataset.num_train=140',
        'model.head.text.hard_prompts=p.json',
    )
    output, _ = training.communicate()
    assert training.returncode == 0, output[-3000:]
    assert 'loss_token' in output
    (checkpoint,) = (tmp_path / 'out').glob('epoch_1.pth')
    import torch

    texts = torch.load(checkpoint)['mpafer']['hard_prompts']
    assert [text.split(', with ')[1] for (text,) in texts[:3]] == [
        'first lids',
        'second lids',
        'red lips',
    ]
