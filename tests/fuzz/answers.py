"""Answers of language models, and those of an unfinished run."""

from pathlib import Path

from mpafer_plugin.prompts import load_hard_prompts
from mpafer_plugin.prompts.generation import Refused, generate, make_plan
from mpafer_plugin.prompts.generation.answers import (
    UnusableAnswer,
    parse_answer,
)
from mpafer_plugin.prompts.generation.client import _fail_unless_chat
from mpafer_plugin.prompts.generation.generate import describe

from .files import byte_file, json_file
from .harness import Finding, Target

PLAN = make_plan('model', ['fear', 'anger'], descriptions=2)
TEXTS = ['wide eyes, raised brows', 'an open mouth']
PARTIAL = dict(
    model='model',
    answers=[
        {
            'class': question.name,
            'question': question.text,
            'descriptions': [
                dict(text=f'{question.name} {i}', against=None, uncut='a b')
                for i in range(2)
            ],
        }
        for question in PLAN.questions()
    ],
)
ANSWER = dict(descriptions=TEXTS)
AROUND = (
    b'<think>brows {"a": 1}</think>\n```json\n{"descriptions": ["a", "b"]}```'
)
REPLY = dict(
    choices=[
        dict(
            message=dict(
                role='assistant',
                content=[dict(type='text', text='a')],
                refusal=None,
            ),
            finish_reason='stop',
        )
    ]
)


def read_answer(path: Path) -> None:
    """Parse an answer, and ask until it is usable."""
    text = path.read_bytes().decode(errors='surrogateescape')
    try:
        texts = parse_answer(text, 2)
        (question, *_) = PLAN.questions()
        for found in describe(lambda *_: text, question):
            found.text.encode()
    except UnusableAnswer as error:
        error.problem.encode()
        raise ValueError(f'{path.name}: {error}') from error
    if len(texts) != 2 or not all(map(str.strip, texts)):
        raise Finding(f'the answer is {texts}')


class Response:
    """A reply of a server."""

    is_success = True
    status_code = 200

    def __init__(self, text: str):
        self.text = text
        self.extensions: dict = {}

    def read(self) -> None:
        """Do as httpx."""


def read_reply(path: Path) -> None:
    """Check a server's reply."""
    response = Response(path.read_bytes().decode(errors='replace'))
    _fail_unless_chat(response)
    if response.status_code != 200:
        raise ValueError(f'{path.name}: {response.status_code}')


def read_partial(path: Path) -> None:
    """Resume a run, and load the file that it writes."""
    out = path.with_name(path.name.removesuffix('.part'))
    generate(
        PLAN, lambda *_: f'{{"descriptions": {TEXTS}}}'.replace("'", '"'), out
    )
    load_hard_prompts(out, ['fear', 'anger'])


TARGETS = [
    Target('answer', json_file('fuzzed.json', ANSWER), read_answer),
    Target('answer_text', byte_file('fuzzed.txt', AROUND), read_answer),
    Target('chat_reply', json_file('fuzzed.json', REPLY), read_reply),
    Target(
        'partial_answers',
        json_file('out.json.part', PARTIAL),
        read_partial,
        (Refused,),
    ),
]
