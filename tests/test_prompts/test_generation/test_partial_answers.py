"""Answers of an unfinished run, and files that must not be overwritten."""

import pytest

from mpafer_plugin.prompts.generation import (
    NoAnswer,
    Refused,
    ServerError,
    generate,
    make_plan,
    partial_file,
)
from mpafer_plugin.prompts.generation.partial_answers import write_json
from tests.chat_server import GOOD, answer, chat
from tests.test_prompts.test_generation.conftest import CLASSES


def test_one_refused_class_keeps_no_other_from_being_asked(run, server, out):
    refused = [dict(body=chat('I cannot.'))] * 3
    server.script = ['raised lids', *refused, 'a jaw', *refused, 'a lip']
    with pytest.raises(NoAnswer) as error:
        run(contrast=[['surprise', 'in pain']])
    told = str(error.value).splitlines()
    assert [line.split("'")[1] for line in told] == ['surprise', 'in pain']
    assert not out.exists()
    server.script = ['a round mouth', 'lowered brows']
    content = run(contrast=[['surprise', 'in pain']])
    assert len(server.requests) == 9 + 2
    texts = [entry['descriptions'] for entry in content['classes'].values()]
    assert texts == [
        ['raised lids'],
        ['a round mouth', 'a jaw'],
        ['lowered brows', 'a lip'],
    ]


def test_refusals_are_told_where_the_server_fails_too(run, server):
    server.script = [
        *[dict(body=chat('I cannot.'))] * 3,
        dict(status=400, body='no'),
    ]
    with pytest.raises(ServerError, match=r"about 'fear'.*\n.*400: 'no'"):
        run()


def test_what_stopped_goes_on(run, server, out):
    server.script = ['raised lids', dict(status=400, body='no')]
    with pytest.raises(ServerError, match="status 400: 'no'"):
        run(contrast=[['surprise', 'in pain']])
    assert not out.exists()
    server.script = ['a round mouth', 'no lid', 'lowered brows', 'a lip']
    content = run(contrast=[['surprise', 'in pain']])
    # once about fear, and the failed one again
    assert len(server.requests) == 2 + 4
    assert content['classes'] == {
        'fear': {'word': 'fear', 'descriptions': ['raised lids']},
        'surprise': {
            'word': 'surprise',
            'descriptions': ['a round mouth', 'no lid'],
            'against': [None, 'in pain'],
        },
        'in pain': {
            'word': 'in pain',
            'descriptions': ['lowered brows', 'a lip'],
            'against': [None, 'surprise'],
        },
    }
    assert not partial_file(out).exists()


def test_another_model_does_not_go_on(run, server, out):
    server.script = ['raised lids', dict(status=400)]
    with pytest.raises(ServerError):
        run()
    before = partial_file(out).read_text()
    with pytest.raises(Refused, match=r"'small', not 'large'; delete it"):
        run(plan=make_plan('large', CLASSES), force=True)
    assert partial_file(out).read_text() == before
    assert len(server.requests) == 2


@pytest.mark.parametrize(
    ('other', 'asked'),
    [
        (dict(classes=['fear']), 0),
        (dict(classes=['joy', 'fear']), 1),
        (dict(contrast=[['fear', 'surprise']]), 4),
        # the question itself is another one
        (dict(prompt_names={'fear': 'fright'}), 3),
        (dict(descriptions=2), 3),
    ],
)
def test_another_plan_asks_what_is_missing(run, server, other, asked):
    server.script = ['raised lids', dict(status=400)]
    with pytest.raises(ServerError):
        run()
    lines = '\n' if 'descriptions' in other else ' '
    server.script = [f'lip {n}{lines}a lip {n}' for n in range(asked)]
    plan = make_plan(**(dict(model='small', classes=CLASSES) | other))
    texts = run(plan=plan)['classes']['fear']['descriptions']
    assert len(server.requests) == 2 + asked
    assert ('raised lids' in texts) == (
        not {'prompt_names', 'descriptions'} & other.keys()
    )


@pytest.mark.parametrize(
    'text',
    [
        '',
        '[]',
        '{}',
        '{"model": "small", "answers": [{"class": "fear"}]}',
        '{"model": "small", "answers": [{"class": "fear", "question": "",'
        ' "descriptions": [{"text": 3}]}]}',
    ],
)
def test_a_damaged_partial_file(run, server, out, text):
    partial_file(out).write_text(text)
    with pytest.raises(Refused, match=r'\.part is not .*; delete it'):
        run()
    assert not server.requests


ENTRY = {'class': 'fear', 'question': 'q', 'descriptions': [{'text': 'a'}]}


@pytest.mark.parametrize(
    ('content', 'message'),
    [
        (dict(answers=[]), 'model must be a text'),
        (dict(model='small', answers={'a': 1}), r"list, not \{'a': 1\}"),
        (dict(model='small', answers=[3]), r'answers\[0\] must be an object'),
        (
            dict(model='small', answers=[ENTRY | {'class': ['fear']}]),
            r"answers\[0\]\.class .* not \['fear'\]",
        ),
        (
            dict(model='small', answers=[ENTRY | dict(descriptions='ab')]),
            r"\.descriptions must be a list, not 'ab'",
        ),
        (
            dict(
                model='small',
                answers=[ENTRY | dict(descriptions=[dict(text='')])],
            ),
            r"\.text must be .* not ''",
        ),
        (
            dict(
                model='small',
                answers=[ENTRY | dict(descriptions=[dict(text='a', uncut=3)])],
            ),
            r'\.uncut must be .* not 3',
        ),
        # Of two answers to one question the first would be lost.
        (dict(model='small', answers=[ENTRY, ENTRY]), 'another question'),
    ],
)
def test_wrong_values_of_a_partial_file(run, server, out, content, message):
    write_json(partial_file(out), content)
    with pytest.raises(Refused, match=rf'\.part is not .*{message}.*delete'):
        run()
    assert not server.requests


def test_no_file_is_overwritten(run, server, out):
    out.write_text('mine')
    with pytest.raises(Refused, match=r'exists; --force overwrites it'):
        run()
    assert out.read_text() == 'mine' and not server.requests
    # it stays until the new one is whole
    server.script = ['raised lids', dict(status=400)]
    with pytest.raises(ServerError):
        run(force=True)
    assert out.read_text() == 'mine'
    assert set(run(force=True)['classes']) == set(CLASSES)
    assert len(server.requests) == 4


def test_what_can_not_be_written_is_found_before_asking(run, server, out):
    out.mkdir()
    with pytest.raises(Refused, match=r'prompts\.json is a folder'):
        run(force=True)
    with pytest.raises(Refused, match=r'\.part cannot be written: '):
        generate(make_plan('m', CLASSES), None, out / 'none' / 'p.json')
    assert not server.requests


def test_nothing_is_left_of_a_failed_write(tmp_path):
    with pytest.raises(TypeError):
        write_json(tmp_path / 'p.json', dict(a=object()))
    assert not list(tmp_path.iterdir())


def test_a_file_that_comes_up_meanwhile(run, server, out):
    plan = make_plan('m', ['fear'])

    def ask(messages, response_format):
        out.write_text('theirs')
        return answer(GOOD)

    with pytest.raises(Refused, match='meanwhile; --force overwrites it'):
        generate(plan, ask, out)
    assert out.read_text() == 'theirs'
    assert partial_file(out).exists()


def test_a_file_of_version_0_1(run, server, out):
    """Its questions asked for lines instead of JSON."""
    form = (
        ' Answer in English with {} and nothing else: no headline, list marks,'
        ' quotes or remarks. Each line has at most 41 words and goes on from '
        '"a photo of a person making a facial expression of fear, with".'
    )
    first = 'What are the most useful visual features to distinguish the '
    first += 'facial expression of fear?'
    against = 'What visual features tell the facial expression of fear from '
    against += 'that of surprise?'
    texts = {first: 'raised lids', against: 'wide eyes'}
    entries = [
        {
            'class': 'fear',
            'question': question + form.format('one line'),
            'descriptions': [dict(text=text, against=None, uncut=None)],
        }
        for question, text in texts.items()
    ]
    write_json(partial_file(out), dict(model='small', answers=entries))
    server.script = ['a round mouth', 'a jaw', 'a lip']
    content = run(contrast=[['fear', 'surprise']])
    assert content['classes']['fear']['descriptions'] == list(texts.values())
    assert len(server.requests) == 3
