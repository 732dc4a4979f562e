import os
from pathlib import Path

import pytest
import torch

from mpafer_plugin.apis import FERInferencer, build_model, checkpoint_model
from mpafer_plugin.clip import load_clip
from mpafer_plugin.engine.checkpoints.metadata import ENTRY

CLASSES = ['yes', 'no', 'perhaps']
IMAGES = torch.randn(3, 3, 32, 32, generator=torch.Generator().manual_seed(0))


def rebuilt(path, **kwargs):
    return FERInferencer(path, face='none', device='cpu', **kwargs).model


@pytest.fixture
def own(tiny, monkeypatch):
    """Function that builds a model of other settings than the defaults."""
    monkeypatch.setenv('MPAFER_ARCH', tiny['arch'])

    def build(**kwargs):
        parts = dict(
            backbone=dict(num_prompts=3, prompt_depth=1),
            text=dict(
                num_context=4,
                class_specific_context=True,
                hard_prompts=['a nod', 'a shake', 'a shrug'],
                prompt_names={'perhaps': 'shrugging'},
            ),
            head=dict(
                top_k=5, local_weight=0.5, logit_scale=20.0, loss_proto=None
            ),
        )
        for name, values in kwargs.items():
            parts[name] = parts[name] | values
        return build_model(CLASSES, **tiny, **parts).eval()

    return build


@pytest.mark.parametrize(
    'changes',
    [
        dict(),
        dict(backbone=dict(num_prompts=0, prompt_depth=None)),
        dict(backbone=dict(image_size=(48, 40))),
        dict(text=dict(num_context=0)),
        dict(text=dict(class_specific_context=False)),
        dict(head=dict(logit_scale='learnable')),
        dict(head=dict(logit_scale='clip', local_weight=0)),
        dict(head=dict(loss_proto=dict(type='PrototypeAlignmentLoss'))),
        dict(
            head=dict(
                loss_proto=dict(type='PrototypeAlignmentLoss'),
                proto_weight=0.5,
            )
        ),
    ],
)
@torch.no_grad()
def test_all_settings_come_back(own, tiny, save, changes):
    model = own(**changes)
    if model.head.proto_weight:
        model.head.set_prototypes(torch.randn_like(model.head.prototypes))
    for parameter in model.parameters():
        if parameter.requires_grad:
            parameter += 0.1 * torch.randn_like(parameter)
    model.data_preprocessor.mean += 7
    height, width = model.backbone.tower.image_size
    scale = [width, height]
    path = save(model, resize=dict(scale=scale, interpolation='area'))
    assert path.stat().st_size < 1_000_000
    other = rebuilt(path, clip=tiny['pretrained'])
    images = torch.randn(3, 3, height, width)
    torch.testing.assert_close(other(images), model(images))
    torch.testing.assert_close(
        other.data_preprocessor.mean, model.data_preprocessor.mean
    )
    assert list(other.head.text.classes) == CLASSES


def test_where_clip_weights_come_from(own, tiny, save, monkeypatch):
    path = save(own(), resize=dict(scale=[32, 32], interpolation='area'))
    monkeypatch.delenv('MPAFER_CLIP', raising=False)
    name = os.path.basename(tiny['pretrained'])
    with pytest.raises(ValueError, match=rf"weights '{name}' of .*--clip"):
        rebuilt(path)
    monkeypatch.setenv('MPAFER_CLIP', tiny['pretrained'])
    rebuilt(path)
    monkeypatch.setenv('MPAFER_ARCH', 'other.json')
    with pytest.raises(ValueError, match=r"'tiny.json': set MPAFER_ARCH"):
        rebuilt(path)


def test_face_tinys_architecture_with_other_weights(
    save, tmp_path, monkeypatch
):
    monkeypatch.delenv('MPAFER_CLIP', raising=False)
    monkeypatch.delenv('MPAFER_ARCH', raising=False)
    state = load_clip('face-tiny', 'face-tiny').state_dict()
    state['visual.proj'] = state['visual.proj'] + 0.01
    torch.save(state, tmp_path / 'mini.pt')
    given = dict(backbone=dict(), head=dict(loss_proto=None))
    clip = str(tmp_path / 'mini.pt')
    path = save(build_model(['fear', 'anger'], 'face-tiny', clip, **given))
    with pytest.raises(ValueError, match=r"weights 'mini.pt' of .*--clip"):
        rebuilt(path)
    rebuilt(path, clip=clip)
    path = save(
        build_model(['fear', 'anger'], 'face-tiny', 'face-tiny', **given)
    )
    rebuilt(path)


def test_other_clip_weights_are_refused(own, tiny, save, tmp_path):
    path = save(own(), resize=dict(scale=[32, 32], interpolation='area'))
    state = torch.load(tiny['pretrained'])
    state['visual.proj'] += 0.01
    torch.save(state, tmp_path / 'other.pt')
    with pytest.raises(ValueError, match='image_tower: the checkpoint has'):
        rebuilt(path, clip=str(tmp_path / 'other.pt'))


def test_no_folder_of_the_training_is_stored(own, save, tiny):
    path = save(own())
    folder = os.path.dirname(tiny['pretrained']).encode()
    assert folder not in path.read_bytes()


def change(path, edit):
    checkpoint = torch.load(path)
    edit(checkpoint)
    torch.save(checkpoint, path)
    return path


@pytest.mark.parametrize(
    'edit, message',
    [
        (lambda c: c.pop(ENTRY), 'not written by PromptCheckpointHook'),
        (lambda c: c[ENTRY].pop('settings'), 'before model settings'),
        (lambda c: c[ENTRY].update(settings=None), 'not PromptedCLIPViT with'),
        (lambda c: c[ENTRY].update(resize=None), 'does more than resize'),
        (
            lambda c: c[ENTRY]['resize'].update(scale=[9999, 9999]),
            r'resized to \[9999, 9999\]',
        ),
        (lambda c: c[ENTRY].update(format=9), 'has format 9'),
        (lambda c: c[ENTRY]['settings'].pop('top_k'), 'top_k=None'),
        (
            lambda c: c[ENTRY]['settings'].update(top_k=float('inf')),
            'top_k=inf',
        ),
        (
            lambda c: c[ENTRY]['settings'].update(top_k=10_000),
            'top_k=10000 exceeds the 64 patches',
        ),
        (
            lambda c: c[ENTRY]['image_tower'].update(image_size=[64, 80000]),
            r'image_size=\[64, 80000\]',
        ),
        (lambda c: c[ENTRY].update(classes=3), 'is malformed'),
        (
            lambda c: c[ENTRY].update(classes=['a', 'b\x1b[2J']),
            r'is malformed.*b\\x1b',
        ),
        (
            lambda c: c['state_dict'].update(other=torch.ones(1)),
            'does not fit',
        ),
        (lambda c: c.pop('state_dict'), 'no state_dict'),
        (
            lambda c: c['state_dict'].pop('backbone.prompts'),
            'lacks tensors: backbone.prompts',
        ),
        (
            lambda c: c['state_dict'].pop('head.text.context'),
            'lacks tensors: head.text.context',
        ),
        (
            lambda c: c['state_dict']['backbone.prompts'].fill_(float('nan')),
            r'not finite, .*: backbone\.prompts',
        ),
        (
            lambda c: c[ENTRY]['settings'].update(std=[1.0, 0.0, 1.0]),
            r'std=\[1.0, 0.0, 1.0\]',
        ),
        (
            lambda c: c[ENTRY]['settings'].update(mean=[1.0, 2.0]),
            r'mean=\[1.0, 2.0\]',
        ),
        (
            lambda c: c[ENTRY]['settings'].update(mean=[float('inf')] * 3),
            r'mean=\[inf, inf, inf\]',
        ),
        (
            lambda c: c[ENTRY]['settings'].update(logit_scale=-1),
            'logit_scale=-1',
        ),
        (
            lambda c: c[ENTRY]['settings'].update(local_weight=float('nan')),
            'local_weight=nan',
        ),
    ],
)
def test_what_does_not_hold_enough(face_tiny, save, edit, message):
    path = save(face_tiny)
    with pytest.raises(ValueError, match=message):
        rebuilt(change(path, edit))


def test_an_earlier_file_does_not_name_its_tensors(face_tiny, save):
    rebuilt(change(save(face_tiny), lambda c: c[ENTRY].pop('tensors')))


def test_scores_that_are_not_finite(tiny, images):
    """Of a model that was not read from a file."""
    model = build_model(CLASSES, **tiny, text=dict(hard_prompts=CLASSES))
    with torch.no_grad():
        model.backbone.prompts.fill_(float('nan'))
    with pytest.raises(ValueError, match='not finite'):
        FERInferencer(model, face='none', device='cpu')(images[0])


def test_a_compiled_model(face_tiny, save):
    def wrap(checkpoint):
        checkpoint['state_dict'] = {
            f'_orig_mod.{name}': value
            for name, value in checkpoint['state_dict'].items()
        }

    other = rebuilt(change(save(face_tiny), wrap))
    assert torch.equal(other.backbone.prompts, face_tiny.backbone.prompts)


def test_an_architecture_with_a_backslash_in_its_name(
    tiny, save, tmp_path, monkeypatch
):
    arch = tmp_path / r"it's\tiny.json"
    arch.write_text(Path(tiny['arch']).read_text())
    monkeypatch.setenv('MPAFER_ARCH', str(arch))
    monkeypatch.setenv('MPAFER_CLIP', tiny['pretrained'])
    text = dict(hard_prompts=CLASSES)
    model = build_model(CLASSES, str(arch), tiny['pretrained'], text=text)
    resize = dict(scale=[32, 32], interpolation='area')
    rebuilt(save(model, resize=resize))


def test_files_that_are_none(tmp_path):
    with pytest.raises(FileNotFoundError, match=r'no checkpoint .*absent.pth'):
        rebuilt(tmp_path / 'absent.pth')
    (tmp_path / 'bad.pth').write_bytes(b'nothing')
    with pytest.raises(ValueError, match='is damaged: BadZipFile'):
        rebuilt(tmp_path / 'bad.pth')


def test_an_older_file_with_its_config(load_config, face_tiny, save):
    path = change(save(face_tiny), lambda c: c[ENTRY].pop('settings'))
    cfg = load_config('mpafer_quickstart.py')
    model = rebuilt(cfg, weights=path)
    images = torch.randn(2, 3, 64, 64)
    with torch.no_grad():
        torch.testing.assert_close(model(images), face_tiny(images))
    with pytest.raises(ValueError, match='give weights=CHECKPOINT'):
        rebuilt(cfg)
    with pytest.raises(ValueError, match='there would be two'):
        rebuilt(path, weights=path)
    cfg.model.head.text.classes = list(reversed(cfg.model.head.text.classes))
    with pytest.raises(ValueError, match='classes: the checkpoint has'):
        rebuilt(cfg, weights=path)


class Payload:
    def __init__(self, mark):
        self.mark = str(mark)

    def __reduce__(self):
        return os.mkdir, (self.mark,)


def test_nothing_in_a_file_is_executed(face_tiny, save, tmp_path):
    mark = tmp_path / 'ran'
    text = f'open({str(mark)!r}, "w").close()\n'

    def put_text(checkpoint):
        checkpoint['meta'].update(config=text, cfg=text)
        # Registries import what a name with dots says.
        hostile = dict(type='os.mkdir', path=str(mark))
        checkpoint[ENTRY].update(backbone=hostile, pipeline=[hostile])
        checkpoint[ENTRY]['settings'].update(type='os.mkdir', text=hostile)
        checkpoint[ENTRY]['resize'].update(type='os.mkdir', path=str(mark))

    rebuilt(change(save(face_tiny), put_text))
    assert not mark.exists()
    path = change(save(face_tiny), lambda c: c.update(extra=Payload(mark)))
    with pytest.raises(ValueError, match=r'model\.pth.*Weights only'):
        rebuilt(path)
    assert not mark.exists()


def test_a_file_does_not_choose_what_is_read(own, save, tiny, monkeypatch):
    monkeypatch.delenv('MPAFER_CLIP', raising=False)

    def name_a_file(checkpoint):
        checkpoint[ENTRY]['settings']['clip'] = tiny['pretrained']

    with pytest.raises(ValueError, match=r'tiny\.pt.*--clip FILE'):
        rebuilt(change(save(own()), name_a_file))


@pytest.mark.parametrize(
    'name', ['local-dir:/x', 'hf-hub:someone/model', 'no-such-model', '.json']
)
def test_a_file_does_not_choose_the_architecture(
    face_tiny, save, monkeypatch, name
):
    """open_clip would open the folder, or the network."""
    monkeypatch.delenv('MPAFER_ARCH', raising=False)
    monkeypatch.setattr(checkpoint_model, 'build_model', pytest.fail)

    def edit(checkpoint):
        checkpoint[ENTRY]['image_tower']['arch'] = name

    path = change(save(face_tiny), edit)
    with pytest.raises(ValueError, match=rf"model.pth.*'{name}'.*(has|MPAF)"):
        rebuilt(path, clip='face-tiny')
