"""Export a trained model as ONNX."""

import argparse
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from mpafer_plugin.apis.load_model import load_model
from mpafer_plugin.export.compare import drawn_faces, largest_differences
from mpafer_plugin.export.describe import describe
from mpafer_plugin.export.folded_classifier import FoldedClassifier
from mpafer_plugin.export.folder import write_folder
from mpafer_plugin.export.onnx_file import save, to_onnx
from mpafer_plugin.export.session import Session
from mpafer_plugin.export.web_page import WebPage
from mpafer_plugin.export.web_server import PageServer

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
    parser.add_argument(
        '--web',
        action='store_true',
        help='add a page that runs the model in the browser, with --patches',
    )
    parser.add_argument(
        '--serve',
        type=int,
        nargs='?',
        const=8000,
        metavar='PORT',
        help='with --web: serve the page to this machine; default port: 8000',
    )
    parser.add_argument(
        '--onnxruntime-web',
        type=Path,
        metavar='FILE_OR_DIR',
        help='with --web: the npm package onnxruntime-web, packed or '
        'unpacked; default: fetched by npm',
    )
    parser.add_argument(
        '--face-model',
        type=Path,
        metavar='FILE',
        help='weights of YuNet; default: MPAFER_YUNET, or downloaded once',
    )
    args = parser.parse_args(argv)
    for name in ('serve', 'onnxruntime_web'):
        if getattr(args, name) is not None and not args.web:
            parser.error(f'--{name.replace("_", "-")} is for --web')
    args.patches |= args.web
    args.server = None
    if args.serve is not None:
        try:
            args.server = PageServer(Path(args.out), args.serve)
        except (OSError, OverflowError) as error:
            parser.error(f'--serve {args.serve}: {error}')
    return args


def main(argv: Sequence[str] | None = None, prog: str | None = None) -> int:
    args = parse_args(argv, prog)
    print_any_text()
    loaded = load_model(
        args.config, args.checkpoint, args.clip, 'cpu', dtype='float32'
    )
    meta = describe(loaded, args.checkpoint, args.patches)
    page = None
    if args.web:
        try:
            page = WebPage(meta, args.onnxruntime_web, args.face_model)
        except (ValueError, OSError) as error:
            print(f'--web: {error}', file=sys.stderr)
            return 1
    try:
        write_folder(Path(args.out), args.face_model)
    except OSError as error:
        print(error, file=sys.stderr)
        return 1
    module = FoldedClassifier(loaded.model, args.patches)
    model = to_onnx(module, meta.input['size'], args.patches)
    path = Path(args.out) / 'model.onnx'
    save(model, meta, path)
    print(f'{path}: {path.stat().st_size / 1e6:.1f} MB')
    images = drawn_faces(NUM_COMPARED, meta.input)
    found = largest_differences(loaded.model, Session(path), images)
    values = ', '.join(f'{name} {x:.1e}' for name, x in found.items())
    print(f'largest difference to torch on {len(images)} images: {values}')
    if page is not None:
        page.write(path.parent, Session(path).meta)
        print(f'{path.with_name("index.html")}: a page, to be served')
    if args.server is not None:
        print(f'{args.server.url} (Ctrl-C ends it)', flush=True)
        with suppress(KeyboardInterrupt), args.server:
            args.server.serve_forever()
    return 0
