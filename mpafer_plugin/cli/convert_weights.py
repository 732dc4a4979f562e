"""Convert CLIP weights of any supported layout to safetensors.

Tensors get the names of open_clip. Also converts JIT archives, which cannot be
loaded without running their code.
"""

import argparse
import fnmatch
import sys
from collections.abc import Sequence
from pathlib import Path

from safetensors.torch import save_file

from mpafer_plugin.clip.state_dict import read_state_dict
from mpafer_plugin.clip.weights import weights_in
from mpafer_plugin.utils.atomic_write import atomic_write
from mpafer_plugin.utils.listing import listed

from .config_args import output_file


def parse_args(
    argv: Sequence[str] | None = None, prog: str | None = None
) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog=prog, description=__doc__.split('\n')[0]
    )
    parser.add_argument(
        'source', type=Path, help='file with weights, or folder of the hub'
    )
    parser.add_argument('out', type=output_file, help='new file: .safetensors')
    parser.add_argument(
        '--trust',
        action='store_true',
        help='open a JIT archive of unknown origin, which runs its code',
    )
    parser.add_argument(
        '--drop',
        nargs='+',
        default=[],
        metavar='PATTERN',
        help="tensors to leave out, by open_clip's names: of FaRL "
        "'visual.lm_*'",
    )
    args = parser.parse_args(argv)
    args.out = Path(args.out)
    if not args.source.exists():
        parser.error(f'{str(args.source)!r} is no file or folder')
    if args.out.suffix != '.safetensors':
        parser.error(f'{str(args.out)!r} must end in .safetensors')
    if args.out.exists():
        parser.error(f'{str(args.out)!r} exists already')
    return args


def main(argv: Sequence[str] | None = None, prog: str | None = None) -> int:
    args = parse_args(argv, prog)
    source = args.source
    if source.is_dir():
        source = weights_in(source)
    weights = read_state_dict(source, trust=args.trust)
    for pattern in args.drop:
        dropped = fnmatch.filter(weights, pattern)
        if not dropped:
            print(
                f'--drop {pattern!r}: {source} has no such tensors, but '
                f'{listed(list(weights))}',
                file=sys.stderr,
            )
            return 2
        print(f'dropped: {listed(dropped)}')
        weights = {k: v for k, v in weights.items() if k not in dropped}
    weights = {key: value.contiguous() for key, value in weights.items()}
    with atomic_write(args.out) as part:
        save_file(weights, part)
    megabytes = args.out.stat().st_size / 1e6
    print(f'{args.out}: {len(weights)} tensors, {megabytes:.1f} MB')
    return 0
