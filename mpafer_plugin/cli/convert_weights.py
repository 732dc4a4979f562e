"""Write CLIP weights of any known layout as safetensors.

For JIT archives from elsewhere, and to keep one safe file. Tensors get the
names that open_clip has for them.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from safetensors.torch import save_file

from mpafer_plugin.clip.state_dict import read_state_dict
from mpafer_plugin.utils.atomic_write import atomic_write


def parse_args(
    argv: Sequence[str] | None = None, prog: str | None = None
) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog=prog, description=__doc__.split('\n')[0]
    )
    parser.add_argument('source', type=Path, help='file with weights')
    parser.add_argument('out', type=Path, help='new file: .safetensors')
    parser.add_argument(
        '--trust',
        action='store_true',
        help='open a JIT archive whose digest is not known: it is a program, '
        'and may do whatever its author wanted',
    )
    args = parser.parse_args(argv)
    if not args.source.is_file():
        parser.error(f'{str(args.source)!r} is no file')
    if args.out.suffix != '.safetensors':
        parser.error(f'{str(args.out)!r} must end in .safetensors')
    if args.out.exists():
        parser.error(f'{str(args.out)!r} exists already')
    return args


def main(argv: Sequence[str] | None = None, prog: str | None = None) -> None:
    args = parse_args(argv, prog)
    weights = read_state_dict(args.source, trust=args.trust)
    weights = {key: value.contiguous() for key, value in weights.items()}
    with atomic_write(args.out) as part:
        save_file(weights, part)
    megabytes = args.out.stat().st_size / 1e6
    print(f'{args.out}: {len(weights)} tensors, {megabytes:.1f} MB')
