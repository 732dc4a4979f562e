"""Generate descriptions of facial expressions with an LLM, for hard prompts.

Any server with OpenAI's chat protocol is asked the paper's question about
each class. The answers are written to the file that configs train from,
model.head.text.hard_prompts=FILE. An API key is read from the environment
variable OPENAI_API_KEY only.

Answers are saved in FILE.part at once: the same command resumes, also with
more or fewer classes.

Exit codes: 0 the file was written, or --dry-run has printed the questions;
1 the server did not answer, or not all questions got a usable answer;
2 invalid options, openai is not installed, the file exists or cannot be
written, or FILE.part is of another model; 130 interrupted.
"""

import argparse
import sys
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmpretrain.registry import DATASETS
from rich.console import Console
from rich.progress import Progress

from mpafer_plugin.clip.tokenizer import word_tokens
from mpafer_plugin.datasets.relabel_config import relabel_config
from mpafer_plugin.prompts.generation import (
    Chat,
    NoAnswer,
    Plan,
    Refused,
    ServerError,
    generate,
    make_plan,
    partial_file,
    read_answers,
)
from mpafer_plugin.prompts.generation.answers import Description
from mpafer_plugin.prompts.generation.generate import ATTEMPTS
from mpafer_plugin.prompts.generation.token_budget import (
    CONTEXT_LENGTH,
    prompt_tokens,
    room,
)

from . import command_parser, exit_on_interrupt, print_any_text
from .config_args import config_file, output_file

DAY = 24 * 60 * 60  # seconds


def parse_args(
    argv: Sequence[str] | None = None, prog: str | None = None
) -> argparse.Namespace:
    parser = command_parser(__doc__, prog)
    of = parser.add_mutually_exclusive_group(required=True)
    of.add_argument('--classes', nargs='+', metavar='NAME', help='class names')
    of.add_argument(
        '--from-dataset',
        type=config_file,
        metavar='CONFIG',
        help='take the classes and their words in prompts from a config: '
        'from model.head.text, else from its training dataset',
    )
    parser.add_argument(
        '--base-url',
        metavar='URL',
        required=True,
        help='root of the chat protocol, such as '
        'http://localhost:11434/v1 or https://api.openai.com/v1',
    )
    parser.add_argument(
        '--model', required=True, help='name of the model on the server'
    )
    parser.add_argument(
        '--out', required=True, type=out_file, help='file to write: .json'
    )
    parser.add_argument(
        '--descriptions',
        type=int,
        default=1,
        metavar='N',
        help='descriptions of each class, which are averaged; default: 1 '
        '(paper)',
    )
    parser.add_argument(
        '--max-tokens',
        type=int,
        default=CONTEXT_LENGTH,
        metavar='N',
        help='tokens of a prompt that the text tower takes, such as 32 of '
        f'PE-Core; default: {CONTEXT_LENGTH}',
    )
    parser.add_argument(
        '--contrast',
        nargs='+',
        action='append',
        default=[],
        metavar='NAME',
        help='two or more classes that are easily confused: also ask what '
        'tells each from each other; may be repeated',
    )
    parser.add_argument(
        '--dry-run',
        action='store_true',
        help='print the questions and their tokens without asking',
    )
    parser.add_argument(
        '--force', action='store_true', help='overwrite the file'
    )
    parser.add_argument(
        '--timeout',
        type=float,
        default=120,
        metavar='SECONDS',
        help='timeout of a request without data, a day at most; default: 120',
    )
    parser.add_argument(
        '--retries',
        type=int,
        default=5,
        metavar='N',
        help='retries of a failed request, after a growing pause or the '
        "server's Retry-After; default: 5",
    )
    args = parser.parse_args(argv)
    if not 0 < args.timeout <= DAY:  # also refuses nan
        parser.error(
            f'--timeout {args.timeout:g}: must be more than 0 and {DAY} at '
            'most'
        )
    if args.retries < 0:
        parser.error(f'--retries {args.retries}: must be 0 or more')
    return args


def out_file(path: str) -> Path:
    """Check the output path before any question is asked."""
    if not path.endswith('.json'):
        raise argparse.ArgumentTypeError(f'{path!r}: must end in .json')
    if not Path(path).parent.is_dir():
        raise argparse.ArgumentTypeError(
            f'{path!r}: no folder {Path(path).parent}'
        )
    return Path(output_file(path))


@exit_on_interrupt('interrupted')
def main(argv: Sequence[str] | None = None, prog: str | None = None) -> int:
    args = parse_args(argv, prog)
    print_any_text()  # an ASCII terminal must not lose answers
    # answers are plain text
    console = Console(
        markup=False, emoji=False, highlight=False, soft_wrap=True
    )
    part = partial_file(args.out)
    try:
        names, words = args.classes, None
        if args.from_dataset:
            names, words = read_classes(args.from_dataset)
        plan = make_plan(
            args.model,
            names,
            words,
            args.descriptions,
            args.contrast,
            args.max_tokens,
        )
        answers = read_answers(part, plan.model)
        if args.dry_run:
            for line in question_lines(plan, answers):
                console.print(line)
            return 0
        chat = Chat(args.base_url, args.model, args.timeout, args.retries)
    except (ValueError, OSError, ImportError) as error:
        return fail(f'{error}', 2)
    try:
        with Progress(console=console) as progress:
            answered = [q.key in answers for q in plan.questions()]
            task = progress.add_task(
                'questions', completed=sum(answered), total=len(answered)
            )

            def report(name: str, descriptions: list[Description]) -> None:
                for line in answer_lines(plan, name, descriptions):
                    console.print(line)
                progress.advance(task)

            content = generate(plan, chat.ask, args.out, args.force, report)
    except Refused as error:
        return fail(f'{error}', 2)
    except (ServerError, NoAnswer, OSError) as error:
        message = f'{error}'
        if part.exists():
            message += (
                f'\n{part} has the answers so far; the same command resumes'
            )
        return fail(message, 1)
    for line in same_lines(content['classes']):
        console.print(line)
    console.print(f'written: model.head.text.hard_prompts={args.out}')
    return 0


def fail(message: str, code: int) -> int:
    """Print an error and return the exit code."""
    print(message, file=sys.stderr)
    return code


def read_classes(
    path: str,
) -> tuple[Sequence[str], Mapping[str, str] | None]:
    """Read the classes of a config and their ``prompt_names``, if any.

    Raises:
        ValueError: If the config cannot be read or has no classes.
    """
    try:
        cfg = Config.fromfile(path)
        relabel_config(cfg)
        init_default_scope(cfg.get('default_scope', 'mmpretrain'))
        text = cfg.get('model')
        for key in ('head', 'text'):
            text = text.get(key) if isinstance(text, dict) else None
        text = text or {}
        words = text.get('prompt_names')
        if text.get('classes'):
            return text['classes'], words
        if not cfg.get('train_dataloader'):
            raise ValueError(
                'it has neither model.head.text.classes nor train_dataloader'
            )
        metainfo = DATASETS.build(cfg.train_dataloader.dataset).metainfo
        if 'classes' not in metainfo:
            raise ValueError('its training dataset has no classes')
        return metainfo['classes'], words
    except Exception as error:  # a config is a program and may raise anything
        message = ' '.join(f'{error}'.split())
        raise ValueError(
            f'{path}: cannot determine the classes: '
            f'{type(error).__name__}: {message}'
        ) from error


def question_lines(
    plan: Plan, answers: Collection[tuple[str, str, int]]
) -> Iterator[str]:
    """Format the questions, which of them have answers, and what they cost."""
    number = asked = described = 0
    for question in plan.questions():
        if question.key in answers:
            yield f'{question.name}, answered already: {question.text}'
            continue
        tokens = len(word_tokens(question.text))
        yield f'{question.name}, {tokens} tokens: {question.text}'
        number += 1
        asked += tokens
        described += question.count * room(question.word, plan.max_tokens)
    yield (
        f'{number} questions of {asked} tokens, and at most {described} '
        "tokens of descriptions, counted by open_clip's tokenizer; the "
        "server's may count otherwise. Reasoning costs more, and so do "
        f'repeated questions: up to {ATTEMPTS} attempts at a usable answer '
        f'and {ATTEMPTS - 1} requests for a shorter one.'
    )


def answer_lines(
    plan: Plan, name: str, descriptions: Iterable[Description]
) -> Iterator[str]:
    """Format the descriptions of a class, and what was cut from them."""
    word = plan.words[name]
    for text, against, uncut in descriptions:
        pair = f', against {against}' if against else ''
        tokens = prompt_tokens(word, text)
        yield f'{name}{pair}, {tokens} of {plan.max_tokens} tokens: {text}'
        if uncut is not None:
            yield f'  CUT from {prompt_tokens(word, uncut)} tokens: {uncut}'


def same_lines(classes: Mapping[str, Mapping]) -> Iterator[str]:
    """Warn of each description that two classes of the file share."""
    first: dict[str, str] = {}
    for name, entry in classes.items():
        for text in entry['descriptions']:
            other = first.setdefault(text.lower(), name)
            if other != name:
                yield (
                    f'WARNING: {other!r} and {name!r} have the same '
                    f'description: {text}'
                )
