"""The command line: ``mpafer COMMAND``, ``python -m mpafer_plugin COMMAND``.

Each command is imported when it is called, so that ``mpafer doctor`` runs
where torch or the host does not import.
"""

import importlib
import sys
from collections.abc import Sequence

# a checkout may be run by a Python that pip would refuse
if sys.version_info < (3, 11):  # noqa: UP036
    sys.exit(
        'mpafer needs Python 3.11 or newer; this is '
        f'{sys.version.split()[0]}: {sys.executable}'
    )

COMMANDS = {
    'train': ('cli.train', 'train a model'),
    'test': ('cli.test', 'test a checkpoint, also on another dataset'),
    'cross-test': (
        'cli.cross_test',
        'test several models on several datasets',
    ),
    'cross-validate': ('cli.cross_validate', 'train and test on each fold'),
    'zero-shot': ('cli.zero_shot', 'accuracy of the hard prompts alone'),
    'predict': ('cli.predict.command', 'expressions in images and videos'),
    'prepare-faces': ('cli.prepare_faces', 'crop the faces of a dataset'),
    'verify-dataset': ('cli.verify_dataset', 'check the files of a dataset'),
    'browse-dataset': ('cli.browse_dataset', 'draw images and transforms'),
    'generate-prompts': (
        'cli.generate_prompts',
        'ask a language model for descriptions of classes',
    ),
    'convert-weights': ('cli.convert_weights', 'rewrite CLIP weights'),
    'export': ('cli.export', 'write a trained model as ONNX'),
    'report': ('cli.report', 'errors, calibration and plots as one page'),
    'study': ('cli.study.command', 'compare recipes over several seeds'),
    'doctor': ('cli.doctor', 'check the environment'),
}
"""Command to its module and its line in the help."""

USAGE = 'usage: mpafer COMMAND [OPTIONS]'


def main(argv: Sequence[str] | None = None) -> int | None:
    """Run a command.

    Args:
        argv (Sequence[str], optional): The command and its options. Defaults
            to None, those that were typed.

    Returns:
        int | None: The exit code; None is 0.
    """
    name, *rest = list(sys.argv[1:] if argv is None else argv) or ['--help']
    if name in ('-h', '--help'):
        print(f'{USAGE}\n\ncommands:')
        for command, (_, line) in COMMANDS.items():
            print(f'  {command:<18}{line}')
        print('\n`mpafer COMMAND --help` lists the options of a command.')
        return 0
    if name not in COMMANDS:
        print(
            f'{USAGE}\nmpafer: {name!r} is not one of {", ".join(COMMANDS)}',
            file=sys.stderr,
        )
        return 2
    try:
        module = importlib.import_module(f'.{COMMANDS[name][0]}', __package__)
    # Incompatible packages raise more than ImportError.
    except Exception as error:
        print(
            f'mpafer {name}: {type(error).__name__}: {error}\n'
            'To see what is wrong and what to type: mpafer doctor',
            file=sys.stderr,
        )
        return 1
    return module.main(rest, prog=f'mpafer {name}')


if __name__ == '__main__':
    sys.exit(main())
