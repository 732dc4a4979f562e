import datetime
import importlib

import pytest
from mmengine.optim import OptimWrapper
from torch import optim, randn, tensor

from mpafer_plugin.apis import build_model
from mpafer_plugin.prompts import load_hard_prompts
from mpafer_plugin.prompts.generation import NoAnswer, make_plan
from mpafer_plugin.prompts.generation.questions import (
    CONTRAST_QUESTION,
    FORM,
    QUESTION,
)
from mpafer_plugin.prompts.generation.token_budget import prompt_tokens
from tests.chat_server import GOOD, chat
from tests.test_prompts.test_generation.conftest import CLASSES

LONG = 'the inner brows raised and drawn together, ' * 12


def test_file(run, server, out):
    server.script = ['raised lids', 'a round mouth', 'lowered brows.']
    assert run(prompt_names=dict(surprise='wow')) == {
        'schema_version': 1,
        'source': {
            'model': 'small',
            'question': QUESTION,
            'form': FORM,
            'date': datetime.datetime.now(datetime.UTC).date().isoformat(),
        },
        'classes': {
            'fear': {'word': 'fear', 'descriptions': ['raised lids']},
            'surprise': {'word': 'wow', 'descriptions': ['a round mouth']},
            'in pain': {'word': 'in pain', 'descriptions': ['lowered brows']},
        },
    }
    assert len(server.requests) == 3
    prompts = load_hard_prompts(out, ['fearful'])['fearful']
    assert prompts[1] == ['a photo of fearful']
    assert prompts[3] == [f'{prompts[2][0]}, with raised lids']
    # nothing else is left
    assert [path.name for path in out.parent.iterdir()] == ['prompts.json']


def test_several_and_contrastive(run, server, out):
    server.script = ['lip one\nlip two', 'a lip', 'three lips\na lid', 'a jaw']
    server.script += ['a chin', 'a brow\nan eye']  # the first is asked again
    content = run(descriptions=2, contrast=[['fear', 'surprise']])
    assert len(server.requests) == 6
    assert content['classes']['in pain'] == {
        'word': 'in pain',
        'descriptions': ['a brow', 'an eye'],
    }
    assert content['source']['contrast_question'] == CONTRAST_QUESTION
    assert content['classes']['fear'] == {
        'word': 'fear',
        'descriptions': ['lip one', 'lip two', 'a lip'],
        'against': [None, None, 'surprise'],
    }
    assert 'uncut' not in content['classes']['fear']
    assert len(load_hard_prompts(out, ['fear'])['fear'][3]) == 3


def test_another_answer_is_asked_for(run, server):
    refusal = {'content': None, 'refusal': "I'm sorry, I cannot."}
    server.script = [dict(body=chat(message=refusal)), '', GOOD]
    content = run(plan=make_plan('m', ['fear']))
    assert content['classes']['fear']['descriptions'] == [GOOD]
    first, second, third = server.questions
    assert second == f'{first} Last time the answer is a refusal.'
    assert third == f'{first} Last time the answer is empty.'


@pytest.mark.parametrize(
    ('reply', 'message'),
    [
        (
            dict(body=chat(message=dict(refusal='I cannot judge faces.'))),
            "a refusal: 'I cannot judge faces.'",
        ),
        (
            dict(body=chat('I cannot judge faces.')),
            "is not JSON .*: 'I cannot judge faces.'",
        ),
        ('', "is empty: ''"),
        (
            dict(body=chat('wide ey', finish_reason='length')),
            "cut the answer off: 'wide ey'",
        ),
    ],
)
def test_three_answers_of_no_use(run, server, out, reply, message):
    server.script = [reply] * 3
    with pytest.raises(NoAnswer, match=f"about 'fear'.*{message}"):
        run(plan=make_plan('m', ['fear']))
    assert len(server.requests) == 3
    assert not list(out.parent.iterdir())


def test_what_was_said_of_a_class_is_asked_again(run, server):
    server.script = ['a lip\nA lip.', 'a lip\na jaw', 'A jaw', 'a chin']
    server.script += ['a lid\na jaw', 'a nose']  # as another class has
    group = ['fear', 'joy']
    content = run(plan=make_plan('m', group, None, 2, [group]))
    assert content['classes']['fear']['descriptions'] == [
        'a lip',
        'a jaw',
        'a chin',
    ]
    assert server.questions[1].endswith('the answer says the same twice.')
    assert server.questions[3].endswith('the answer says the same twice.')


def test_cuts_that_are_the_same(run, server, out):
    brows = f'raised brows, {"brow " * 70}'
    server.script = [f'{brows} one\n{brows} two'] * 3
    with pytest.raises(NoAnswer, match='says the same twice'):
        run(plan=make_plan('m', ['fear'], descriptions=2))


def test_over_long_is_asked_for_shorter(run, server):
    server.script = [LONG, GOOD]
    content = run(plan=make_plan('m', ['fear']))
    assert content['classes']['fear']['descriptions'] == [GOOD]
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
    server.script = ['', '', LONG * 2, LONG, '']
    entry = run(plan=make_plan('m', ['fear']))['classes']['fear']
    assert entry['uncut'] == [LONG.strip(' ,')]  # the shorter one
    assert len(server.requests) == 5


def test_refusals_take_nothing_from_the_shorter_asks(run, server):
    server.script = ['', '', LONG, LONG, GOOD]
    entry = run(plan=make_plan('m', ['fear']))['classes']['fear']
    assert entry['descriptions'] == [GOOD]


def test_a_model_trains_from_it(run, server, out, tiny):
    server.script = ['a lip\nlips', 'a lid\nlids', 'a jaw\njaws']
    run(descriptions=2)
    model = build_model(
        CLASSES,
        **tiny,
        text=dict(hard_prompts=str(out)),
        head=dict(loss_proto=None, top_k=2),
    )
    assert [len(texts) for texts in model.head.text.hard_texts] == [2, 2, 2]
    assert model.head.text.hard_texts[2][1].endswith('of in pain, with jaws')
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


def test_what_was_kept_is_read_once(run, server, monkeypatch):
    module = importlib.import_module(
        'mpafer_plugin.prompts.generation.generate'
    )
    read, read_answers = [], module.read_answers
    monkeypatch.setattr(
        module,
        'read_answers',
        lambda *a: read.append(a) or read_answers(*a),
    )
    run(plan=make_plan('m', ['fear']))
    assert len(read) == 1


def test_a_server_without_schemas(run, server):
    server.without_format = dict(status=400, body='response_format?')
    server.script = ['a lip\nlips', 'a lid\nlids', 'a jaw\njaws']
    content = run(descriptions=2)
    assert content['classes']['fear']['descriptions'] == ['a lip', 'lips']
    assert len(server.requests) == 1 + 3
