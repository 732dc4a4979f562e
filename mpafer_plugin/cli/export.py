"""Export a trained model as ONNX."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from mpafer_plugin.apis.load_model import load_model
from mpafer_plugin.export.compare import drawn_faces, largest_differences
from mpafer_plugin.export.describe import describe
from mpafer_plugin.export.folded_classifier import FoldedClassifier
from mpafer_plugin.export.onnx_file import save, to_onnx
from mpafer_plugin.export.session import Session

from . import print_any_text
from .config_args import config_file, output_folder

NUM_COMPARED = 16


def parse_args(
    argv: Sequence[str] | None = None, prog: str | None = None
) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog=prog, description=__doc__)
    parser.add_argument('checkpoint', type=Path, help='checkpoint file')
    parser.add_argument(
        '--out',
        required=True,
        type=output_folder,
        metavar='DIR',
        help='output folder',
    )
    parser.add_argument(
        '--config',
        type=config_file,
        metavar='CONFIG',
        help='config, for a checkpoint that cannot be loaded alone; is '
        'executed as code',
    )
    parser.add_argument(
        '--clip',
        metavar='TAG_OR_FILE',
        help='CLIP weights; default: MPAFER_CLIP, or the tag used in training',
    )
    parser.add_argument(
        '--patches',
        action='store_true',
        help='add an output: the score of each patch for each class',
    )
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None, prog: str | None = None) -> int:
    args = parse_args(argv, prog)
    print_any_text()
    loaded = load_model(
        args.config, args.checkpoint, args.clip, 'cpu', dtype='float32'
    )
    meta = describe(loaded, args.checkpoint, args.patches)
    module = FoldedClassifier(loaded.model, args.patches)
    model = to_onnx(module, meta.input['size'], args.patches)
    path = Path(args.out) / 'model.onnx'
    save(model, meta, path)
    print(f'{path}: {path.stat().st_size / 1e6:.1f} MB')
    images = drawn_faces(NUM_COMPARED, meta.input)
    found = largest_differences(loaded.model, Session(path), images)
    values = ', '.join(f'{name} {x:.1e}' for name, x in found.items())
    print(f'largest difference to torch on {len(images)} images: {values}')
    return 0
