import json

import numpy as np
import pytest
import torch
from open_clip.model import CLIP

from mpafer_plugin.clip.tokenizer import word_tokens
from mpafer_plugin.datasets.categories import COMPOUND_EXPRESSIONS, EXPRESSIONS
from tools.pretraining.face_bank import FaceBank
from tools.pretraining.landmark_loss import LandmarkLoss
from tools.pretraining.landmarks import LANDMARKS, SEEN_AT
from tools.pretraining.optimizers import make_optimizers
from tools.pretraining.pretraining_loss import PretrainingLoss, read_units
from tools.pretraining.texts import Names, captions, encode
from tools.pretraining.wide_faces import draw_wide_face

needs_muon = pytest.mark.skipif(
    not hasattr(torch.optim, 'Muon'), reason='torch has no Muon'
)


@pytest.fixture
def clip(tiny_arch):
    torch.manual_seed(0)
    with open(tiny_arch) as file:
        return CLIP(**json.load(file))


@pytest.fixture(scope='module')
def bank():
    faces = (draw_wide_face(0, index, 32) for index in range(8))
    return FaceBank.collect(faces, 8, 32)


def test_everything_learns(clip, bank):
    loss = PretrainingLoss(clip)
    rng = np.random.default_rng(0)
    losses = loss(bank.plain(np.arange(8)), rng)
    assert set(losses) == {
        'units', 'patch', 'heat', 'offset', 'text', 'align', 'apart',
    }  # fmt: skip
    torch.stack(list(losses.values())).sum().backward()
    for name, parameter in loss.named_parameters():
        assert parameter.grad is not None, name


@needs_muon
def test_overfits_one_batch(clip, bank):
    loss = PretrainingLoss(clip)
    optimizers, _ = make_optimizers(clip, loss, 30)
    batch = bank.plain(np.arange(8))
    course = []
    for _ in range(12):
        losses = loss(batch, np.random.default_rng(0))
        torch.stack(list(losses.values())).sum().backward()
        for optimizer in optimizers:
            optimizer.param_groups[0]['lr'] = 3e-3
            optimizer.step()
            optimizer.zero_grad()
        course.append(losses['units'].item())
    assert course[-1] < 0.7 * course[0]
    assert read_units(clip, loss, bank, 4) <= 1


@needs_muon
def test_every_parameter_has_one_optimizer(clip):
    loss = PretrainingLoss(clip)
    optimizers, _ = make_optimizers(clip, loss, 10)
    known = [
        id(p)
        for optimizer in optimizers
        for group in optimizer.param_groups
        for p in group['params']
    ]
    assert sorted(known) == sorted(id(p) for p in loss.parameters())


def test_encode_is_open_clips(clip):
    texts = [word_tokens('a face with lips parted'), word_tokens('a face')]
    tokens = torch.zeros(2, 77, dtype=torch.long)
    for row, text in zip(tokens, texts, strict=True):
        row[: len(text) + 2] = torch.tensor([49406, *text, 49407])
    with torch.no_grad():
        theirs = clip.encode_text(tokens)
        assert torch.allclose(encode(clip, texts), theirs, atol=1e-5)
        # the same words as vectors between the start and the rest
        context = clip.token_embedding(torch.tensor(texts[0][:2]))
        split = encode(clip, [texts[0][2:]], context)
        assert torch.allclose(split, theirs[:1], atol=1e-5)


def test_near_is_highest_at_the_landmark():
    loss = LandmarkLoss(16, 4)
    landmarks = torch.full((1, len(LANDMARKS), 2), 5.0)  # far away
    landmarks[0, LANDMARKS.index('chin')] = torch.tensor([0.6, 0.9])
    near = loss.near(landmarks)[0]  # (16, 21)
    seen = torch.from_numpy(SEEN_AT[:, LANDMARKS.index('chin')])
    assert (near.argmax(0)[seen] == 14).all()  # row 3, column 2
    assert (near[:, ~seen] < 1e-6).all()


def test_names_of_expressions_are_never_drawn():
    names, rng = Names(), np.random.default_rng(0)
    for name in (*EXPRESSIONS, *COMPOUND_EXPRESSIONS):
        assert not np.isin(word_tokens(name), names.tokens).any()
    drawn = [names.draw(rng) for _ in range(50)]
    assert {len(name) for name in drawn} == {1, 2}


def test_captions_fit_their_faces(bank):
    texts, mentioned = captions(bank.units, Names(), np.random.default_rng(0))
    assert len(texts) == 8
    assert mentioned.shape == bank.units.shape
    assert mentioned.sum(1).min() > 0
