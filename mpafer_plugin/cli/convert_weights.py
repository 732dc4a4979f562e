"""Convert CLIP weights of any supported layout to safetensors.

Tensors get the names of open_clip. Also converts JIT archives, which cannot be
loaded without running their code.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from safetensors.torch import save_file

from mpafer_plugin.clip.state_dict import read_state_dict
from mpafer_plugin.utils.atomic_write import atomic_write

from .config_args import output_file


def parse_args(
    argv: Sequence[str] | None = None, prog: str | None = None
) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog=prog, description=__doc__.split('\n')[0]
    )
    parser.add_argument('source', type=Path, help='file with weights')
    parser.add_argument('out', type=output_file, help='new file: .safetensors')
    parser.add_argument(
        '--trust',
        action='store_true',
        help='open a JIT archive of unknown origin, which runs its code',
    )
    args = parser.parse_args(argv)
    args.out = Path(args.out)
    if not args.source.is_file():
        parser.error(f'{str(args.source)!r} is not a file')
    if args.out.suffix != '.safetensors':
        parser.error(f'{str(args.out)!r} must end in .safetensors')
    if args.out.exists():
        parser.error(f'{str(args.out)!r} exists already')
    return args


def main(argv: Sequence[str] | None = None, prog: str | None = None) -> int:
    args = parse_args(argv, prog)
    weights = read_state_dict(args.source, trust=args.trust)
    weights = {key: value.contiguous() for key, value in weights.items()}
    with atomic_write(args.out) as part:
        save_file(weights, part)
    megabytes = args.out.stat().st_size / 1e6
    print(f'{args.out}: {len(weights)} tensors, {megabytes:.1f} MB')
    return 0
