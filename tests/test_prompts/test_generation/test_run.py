import datetime
import json

import pytest
from mmengine.optim import OptimWrapper
from torch import optim, randn, tensor

from mpafer_plugin.apis import build_model
from mpafer_plugin.prompts import load_hard_prompts
from mpafer_plugin.prompts.generation import (
    Chat,
    NoAnswer,
    Refused,
    ServerError,
    generate,
    make_plan,
    partial_file,
)
from mpafer_plugin.prompts.generation.budget import prompt_tokens
from mpafer_plugin.prompts.generation.questions import (
    CONTRAST_QUESTION,
    QUESTION,
)
from tests.chat_server import GOOD, chat

CLASSES = ['fear', 'surprise', 'in pain']
LONG = 'the inner brows raised and drawn together, ' * 12


@pytest.fixture
def out(tmp_path):
    return tmp_path / 'prompts.json'


@pytest.fixture
def run(server, out):
    """Function that asks the server and reads what was written."""

    def run(plan=None, force=False, **arguments):
        plan = plan or make_plan('small', CLASSES, **arguments)
        generate(plan, Chat(server.url, plan.model, 5, 1).ask, out, force)
        return json.loads(out.read_text())

    return run


def test_file(run, server, out):
    server.script = ['raised lids', 'a round mouth', '- lowered brows.']
    assert run() == {
        'schema_version': 1,
        'source': {
            'model': 'small',
            'question': QUESTION,
            'form': make_plan('m', CLASSES).form.strip(),
            'date': datetime.datetime.now(datetime.UTC).date().isoformat(),
        },
        'classes': {
            'fear': {'descriptions': ['raised lids']},
            'surprise': {'descriptions': ['a round mouth']},
            'in pain': {'descriptions': ['lowered brows']},
        },
    }
    assert len(server.requests) == 3
    prompts = load_hard_prompts(out, ['fearful'])['fearful']
    assert prompts[1] == ['a photo of fearful']
    assert prompts[3] == [f'{prompts[2][0]}, with raised lids']
    # nothing else is left
    assert [path.name for path in out.parent.iterdir()] == ['prompts.json']


def test_several_and_contrastive(run, server, out):
    server.script = ['one\ntwo', 'unlike fear', 'three\nfour', 'unlike that']
    server.script += ['only one', 'five\nsix']  # the first is asked again
    content = run(descriptions=2, contrast=[['fear', 'surprise']])
    assert len(server.requests) == 6
    assert content['classes']['in pain'] == {'descriptions': ['five', 'six']}
    assert content['source']['contrast_question'] == CONTRAST_QUESTION
    assert content['classes']['fear'] == {
        'descriptions': ['one', 'two', 'unlike fear'],
        'against': [None, None, 'surprise'],
    }
    assert 'uncut' not in content['classes']['fear']
    assert len(load_hard_prompts(out, ['fear'])['fear'][3]) == 3


def test_another_answer_is_asked_for(run, server):
    server.script = ["I'm sorry, I can't.", '', GOOD]
    content = run(plan=make_plan('m', ['fear']))
    assert content['classes']['fear']['descriptions'] == [GOOD]
    first, second, third = server.questions
    assert second == f'{first} Last time the answer is a refusal.'
    assert third == f'{first} Last time the answer is empty.'


@pytest.mark.parametrize(
    ('reply', 'message'),
    [
        ('I cannot judge faces.', "a refusal: 'I cannot judge faces.'"),
        ('', "is empty: ''"),
        (
            dict(body=chat('wide ey', finish_reason='length')),
            "cut the answer off: 'wide ey'",
        ),
    ],
)
def test_three_answers_of_no_use(run, server, out, reply, message):
    server.script = [reply] * 3
    with pytest.raises(NoAnswer, match=f"no answer about 'fear' .*{message}"):
        run()
    assert len(server.requests) == 3
    assert not out.exists()


def test_over_long_is_asked_for_shorter(run, server):
    server.script = [LONG, GOOD]
    content = run(plan=make_plan('m', ['fear']))
    assert content['classes']['fear'] == {'descriptions': [GOOD]}
    messages = server.requests[1]['body']['messages']
    roles = [message['role'] for message in messages]
    assert roles == ['user', 'assistant', 'user']
    assert messages[2]['content'].startswith('That is too long. Say it in at')


def test_over_long_is_cut_in_the_end(run, server):
    server.script = [LONG] * 3
    entry = run(plan=make_plan('m', ['fear']))['classes']['fear']
    assert entry['uncut'] == [LONG.strip(' ,')]
    (short,) = entry['descriptions']
    assert LONG.startswith(f'{short}, ')
    assert prompt_tokens('fear', short) == 70  # a clause more is too much
    assert len(server.requests) == 3


def test_a_refusal_after_an_over_long_answer(run, server):
    server.script = [LONG, 'I cannot.', 'I cannot.']
    entry = run(plan=make_plan('m', ['fear']))['classes']['fear']
    assert entry['uncut'] == [LONG.strip(' ,')]


def test_what_stopped_goes_on(run, server, out):
    server.script = ['raised lids', dict(status=400, body='no')]
    with pytest.raises(ServerError, match="status 400: 'no'"):
        run(contrast=[['surprise', 'in pain']])
    assert not out.exists()
    server.script = ['a round mouth', 'no lines', 'lowered brows', 'more']
    content = run(contrast=[['surprise', 'in pain']])
    # once about fear, and the failed one again
    assert len(server.requests) == 2 + 4
    assert content['classes'] == {
        'fear': {'descriptions': ['raised lids']},
        'surprise': {
            'descriptions': ['a round mouth', 'no lines'],
            'against': [None, 'in pain'],
        },
        'in pain': {
            'descriptions': ['lowered brows', 'more'],
            'against': [None, 'surprise'],
        },
    }
    assert not partial_file(out).exists()


@pytest.mark.parametrize(
    ('other', 'message'),
    [
        (dict(model='large'), "model = 'small', which is now 'large'"),
        (dict(classes=['fear']), 'words = {.*} which is now|words = '),
        (dict(prompt_names={'fear': 'fright'}), 'words = '),
        (dict(descriptions=2), 'descriptions = 1, which is now 2'),
        (dict(contrast=[['fear', 'surprise']]), r'contrast = \[\]'),
    ],
)
def test_another_plan_does_not_go_on(run, server, out, other, message):
    server.script = ['raised lids', dict(status=400)]
    with pytest.raises(ServerError):
        run()
    before = partial_file(out).read_text()
    arguments = dict(model='small', classes=CLASSES) | other
    with pytest.raises(Refused, match=rf'\.part was begun with {message}'):
        run(plan=make_plan(**arguments), force=True)
    assert partial_file(out).read_text() == before
    assert len(server.requests) == 2


@pytest.mark.parametrize(
    'text',
    ['', '[]', '{}', '{"plan": {}}', '{"plan": {}, "classes": {"a": {}}}'],
)
def test_a_damaged_partial_file(run, server, out, text):
    partial_file(out).write_text(text)
    with pytest.raises(Refused, match=r'\.part.*; delete .*\.part to ask'):
        run()
    assert not server.requests


def test_no_file_is_overwritten(run, server, out):
    out.write_text('mine')
    with pytest.raises(Refused, match=r'is there; --force overwrites it'):
        run()
    assert out.read_text() == 'mine' and not server.requests
    # it stays until the new one is whole
    server.script = ['raised lids', dict(status=400)]
    with pytest.raises(ServerError):
        run(force=True)
    assert out.read_text() == 'mine'
    assert set(run(force=True)['classes']) == set(CLASSES)
    assert len(server.requests) == 4


def test_a_file_that_comes_up_meanwhile(run, server, out):
    plan = make_plan('m', ['fear'])

    def ask(messages):
        out.write_text('theirs')
        return GOOD

    with pytest.raises(Refused, match='has come up meanwhile'):
        generate(plan, ask, out)
    assert out.read_text() == 'theirs'
    assert partial_file(out).exists()


def test_a_model_trains_from_it(run, server, out, tiny):
    server.script = ['one\ntwo', 'three\nfour', 'five\nsix']
    run(descriptions=2)
    model = build_model(
        CLASSES,
        **tiny,
        text=dict(hard_prompts=str(out)),
        head=dict(loss_proto=None, top_k=2),
    )
    assert [len(texts) for texts in model.head.text.hard_texts] == [2, 2, 2]
    assert model.head.text.hard_texts[2][1].endswith('of in pain, with six')
    learnt = [p for p in model.parameters() if p.requires_grad]
    before = [p.detach().clone() for p in learnt]
    wrapper = OptimWrapper(optim.SGD(learnt, lr=0.1))
    losses = model.head.loss(
        model.backbone(randn(3, 3, 32, 32)), _samples([0, 1, 2])
    )
    assert {'loss_token', 'loss_prompt'} <= set(losses)
    wrapper.update_params(sum(losses.values()))
    assert all((a != b).any() for a, b in zip(before, learnt, strict=True))


def _samples(labels):
    from mmpretrain.structures import DataSample

    return [DataSample().set_gt_label(tensor(label)) for label in labels]
