"""Ask an LLM what the faces of each class look like, for hard prompts.

Any server that speaks OpenAI's chat protocol is asked the paper's question
about each class; the answers become the file that a config trains from,
model.head.text.hard_prompts=FILE. A key, if the server wants one, is read
from the environment variable OPENAI_API_KEY and nowhere else.

What was answered so far is kept in FILE.part: the same command asks for what
is missing, also with classes more or less.

Exit codes: 0 the file is written, or --dry-run has shown what would be asked;
1 the server did not answer, or the model not to all questions; 2 wrong
options, openai is not installed, the file is there already or cannot be
written, or FILE.part is of another model; 130 interrupted.
"""

import argparse
import io
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmpretrain.registry import DATASETS
from rich.console import Console
from rich.progress import Progress

from mpafer_plugin.prompts.generation import (
    Chat,
    Description,
    NoAnswer,
    Refused,
    ServerError,
    answer_lines,
    answered,
    generate,
    make_plan,
    partial_file,
    question_lines,
    same_lines,
)

DAY = 24 * 60 * 60  # seconds


def parse_args(
    argv: Sequence[str] | None = None, prog: str | None = None
) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog=prog,
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    of = parser.add_mutually_exclusive_group(required=True)
    of.add_argument(
        '--classes', nargs='+', metavar='NAME', help='names of the classes'
    )
    of.add_argument(
        '--from-dataset',
        metavar='CONFIG',
        help='take the classes, and the words for them in prompts, from a '
        'config: from model.head.text or else from its training data',
    )
    parser.add_argument(
        '--base-url',
        metavar='URL',
        required=True,
        help='where the server speaks the protocol, such as '
        'http://localhost:11434/v1 or https://api.openai.com/v1',
    )
    parser.add_argument(
        '--model', required=True, help='the name that the server knows it by'
    )
    parser.add_argument(
        '--out', required=True, type=out_file, help='file to write: .json'
    )
    parser.add_argument(
        '--descriptions',
        type=int,
        default=1,
        metavar='N',
        help='descriptions of each class, which are averaged; default: 1, '
        "the paper's",
    )
    parser.add_argument(
        '--contrast',
        nargs='+',
        action='append',
        default=[],
        metavar='NAME',
        help='two classes or more that are confused: ask also what tells '
        'each from each other; may be given several times',
    )
    parser.add_argument(
        '--dry-run',
        action='store_true',
        help='show what would be asked and its tokens, and ask nothing',
    )
    parser.add_argument(
        '--force', action='store_true', help='overwrite the file'
    )
    parser.add_argument(
        '--timeout',
        type=float,
        default=120,
        metavar='SECONDS',
        help='how long the server may be silent, a day at most; default: 120',
    )
    parser.add_argument(
        '--retries',
        type=int,
        default=5,
        metavar='N',
        help='how often a request that failed is sent again, after a pause '
        'that grows or that the server names; default: 5',
    )
    args = parser.parse_args(argv)
    if not 0 < args.timeout <= DAY:  # neither if it is no number
        parser.error(
            f'--timeout {args.timeout:g}: must be more than 0, and {DAY} at '
            'most'
        )
    if args.retries < 0:
        parser.error(f'--retries {args.retries}: must be 0 or more')
    return args


def out_file(path: str) -> Path:
    """Refuse a file that cannot be written, before all the work."""
    if not path.endswith('.json'):
        raise argparse.ArgumentTypeError(f'{path!r}: must end in .json')
    if not Path(path).parent.is_dir():
        raise argparse.ArgumentTypeError(
            f'{path!r}: no folder {Path(path).parent}'
        )
    return Path(path)


def main(argv: Sequence[str] | None = None, prog: str | None = None) -> int:
    args = parse_args(argv, prog)
    try:
        return run(args)
    except KeyboardInterrupt:
        print('interrupted', file=sys.stderr)
        return 130  # as shells count it


def run(args: argparse.Namespace) -> int:
    """Do what the options say.

    Returns:
        int: The exit code.
    """
    if isinstance(sys.stdout, io.TextIOWrapper):
        # a terminal of few signs is no reason to lose answers
        sys.stdout.reconfigure(errors='backslashreplace')
    # plain text: answers are no markup, and are not to be broken
    console = Console(
        markup=False, emoji=False, highlight=False, soft_wrap=True
    )
    try:
        names, words = args.classes, None
        if args.from_dataset:
            names, words = read_classes(args.from_dataset)
        plan = make_plan(
            args.model, names, words, args.descriptions, args.contrast
        )
        done = answered(plan, args.out, args.force or args.dry_run)
        if args.dry_run:
            for line in question_lines(plan, done):
                console.print(line)
            return 0
        chat = Chat(args.base_url, args.model, args.timeout, args.retries)
    except (ValueError, OSError, ImportError) as error:
        return fail(f'{error}', 2)
    try:
        with Progress(console=console) as progress:
            total = sum(len(plan.questions(name)) for name in plan.words)
            task = progress.add_task('asking', total=total)
            progress.advance(task, len(done))

            def report(name: str, descriptions: list[Description]) -> None:
                for line in answer_lines(name, plan.words[name], descriptions):
                    console.print(line)
                progress.advance(task)

            content = generate(plan, chat.ask, args.out, args.force, report)
    except Refused as error:
        return fail(f'{error}', 2)
    except (ServerError, NoAnswer, OSError) as error:
        part = partial_file(args.out)
        kept = (
            f'\n{part} has the answers so far: the same command asks for what '
            'is missing'
        )
        return fail(f'{error}{kept if part.exists() else ""}', 1)
    for line in same_lines(content['classes']):
        console.print(line)
    console.print(f'written: model.head.text.hard_prompts={args.out}')
    return 0


def fail(message: str, code: int) -> int:
    """Tell an error in plain words."""
    print(message, file=sys.stderr)
    return code


def read_classes(
    path: str,
) -> tuple[Sequence[str], Mapping[str, str] | None]:
    """Find a config's classes and its words for them.

    Args:
        path (str): The config.

    Returns:
        tuple: The classes of its ``model.head.text`` or else of its training
        data, as they stand there, and its ``prompt_names``, or None.

    Raises:
        ValueError: If there are none to be had.
    """
    try:
        cfg = Config.fromfile(path)
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
                'neither model.head.text.classes nor train_dataloader is '
                'there to take the classes from'
            )
        metainfo = DATASETS.build(cfg.train_dataloader.dataset).metainfo
        if 'classes' not in metainfo:
            raise ValueError('the training data names no classes')
        return metainfo['classes'], words
    except Exception as error:  # a config is a program, and may do anything
        told = ' '.join(f'{error}'.split())
        raise ValueError(
            f'{path}: no classes to be had: {type(error).__name__}: {told}'
        ) from error
