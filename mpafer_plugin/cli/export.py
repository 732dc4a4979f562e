"""Export a trained model as ONNX.

DIR/model.onnx takes RGB images in 0 to 255 and has no text tower;
DIR/README.md is its model card.
"""

import argparse
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import numpy as np
from mmengine.config import Config
from mmengine.registry import init_default_scope

from mpafer_plugin.apis.load_model import CONFIG_SUFFIXES, load_model
from mpafer_plugin.export.card import write_card
from mpafer_plugin.export.compare import compare_accuracy, compare_outputs
from mpafer_plugin.export.describe import describe
from mpafer_plugin.export.faces import (
    TestSet,
    faces_of_config,
    faces_of_folder,
)
from mpafer_plugin.export.folded_classifier import (
    FoldedClassifier,
    check_folded,
)
from mpafer_plugin.export.folder import write_folder
from mpafer_plugin.export.session import Session
from mpafer_plugin.export.web_page import WebPage
from mpafer_plugin.export.web_server import PageServer
from mpafer_plugin.export.write import PRECISIONS, write_int8, write_model
from mpafer_plugin.utils.atomic_write import atomic_write

from . import command_parser, print_any_text
from .config_args import config_file, load_config, output_folder

NUM_CALIBRATED = 128


def parse_args(
    argv: Sequence[str] | None = None, prog: str | None = None
) -> argparse.Namespace:
    parser = command_parser(__doc__, prog)
    parser.add_argument(
        'checkpoint',
        type=Path,
        nargs='?',
        help='checkpoint file; not needed for a --config without trainable '
        'parameters (zero-shot)',
    )
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
        help='config of the checkpoint; is executed as code. Needed for a '
        'checkpoint that cannot be loaded alone. Its test set gives the '
        'accuracy, its training set the faces for int8',
    )
    parser.add_argument(
        '--clip',
        metavar='TAG_OR_FILE',
        help='CLIP weights; default: MPAFER_CLIP, or the tag used in training',
    )
    parser.add_argument(
        '--precision',
        choices=PRECISIONS,
        default='float32',
        help='float16 for GPUs and browsers, int8 for CPUs; default: float32',
    )
    parser.add_argument(
        '--images',
        type=Path,
        metavar='FOLDER',
        help='face crops to calibrate int8; default: of --config',
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
    if args.checkpoint is None:
        if args.config is None:
            parser.error('give a checkpoint, or --config')
    elif args.checkpoint.suffix == '.onnx':
        parser.error(f'{str(args.checkpoint)!r} is exported already')
    elif args.checkpoint.suffix in CONFIG_SUFFIXES:
        parser.error(
            f'{str(args.checkpoint)!r} is no checkpoint: give --config'
        )
    if args.precision == 'int8' and not (args.config or args.images):
        parser.error(
            '--precision int8 is calibrated on faces: give --config CONFIG '
            'or --images FOLDER'
        )
    if args.images is not None and args.precision != 'int8':
        parser.error(f'--images is for --precision int8, not {args.precision}')
    for name in ('serve', 'onnxruntime_web'):
        if getattr(args, name) is not None and not args.web:
            parser.error(f'--{name.replace("_", "-")} is for --web')
    out = Path(args.out)
    for name in ('README.md', 'index.html'):
        if (out / name).exists() and not (out / 'model.onnx').exists():
            parser.error(
                f'--out {args.out!r} has a {name} that is of no export and '
                'would be overwritten'
            )
    args.patches |= args.web
    args.server = None
    if args.serve is not None:
        try:
            args.server = PageServer(Path(args.out), args.serve)
        except (OSError, OverflowError) as error:
            parser.error(f'--serve {args.serve}: {error}')
    return args


class Data(NamedTuple):
    """Faces and test set of an export; None if they are not at hand."""

    faces: np.ndarray | None
    tests: TestSet | None


def read_data(args: argparse.Namespace, cfg: Any, pipeline: list) -> Data:
    """Read the faces that an export needs, and the test set.

    Raises:
        OSError, ValueError: If there is none to calibrate int8.
    """
    faces, tests = None, None
    if args.images is not None:
        faces = faces_of_folder(args.images, pipeline, NUM_CALIBRATED)
    if cfg is not None:
        try:
            if faces is None:
                faces = faces_of_config(cfg, NUM_CALIBRATED)
            tests = TestSet(cfg)
        except (OSError, ValueError) as error:
            if faces is None and args.precision == 'int8':
                raise
            print(f'not tested, the data is not at hand: {error}')
    return Data(faces, tests)


def main(argv: Sequence[str] | None = None, prog: str | None = None) -> int:
    args = parse_args(argv, prog)
    print_any_text()
    try:
        return export(args)
    except (ValueError, OSError, ImportError) as error:
        print(f'{prog or "export"}: {error}', file=sys.stderr)
        return 1


def export(args: argparse.Namespace) -> int:
    """Export; what can fail comes before what takes long."""
    absent = [
        x
        for x in ('onnx', 'onnxruntime', 'onnxscript')
        if find_spec(x) is None
    ]
    if absent:
        raise ImportError(
            f'{", ".join(absent)} not installed: pip install '
            "'mpafer_plugin[onnx]'"
        )
    cfg: Config | None = None
    if args.config is not None:
        options = dict(cfg_options=None, no_pin_memory=True)
        cfg = load_config(argparse.Namespace(config=args.config, **options))
        init_default_scope(cfg.get('default_scope', 'mmpretrain'))
    loaded = load_model(cfg, args.checkpoint, args.clip, 'cpu', 'float32')
    module = FoldedClassifier(loaded.model, args.patches)
    if args.precision != 'float32':
        check_folded(module, args.precision)
    float32_meta = describe(loaded, args.checkpoint, args.patches)
    meta = replace(float32_meta, precision=args.precision)
    page = None
    if args.web:
        try:
            page = WebPage(meta, args.onnxruntime_web, args.face_model)
        except (ValueError, OSError) as error:
            raise ValueError(f'--web: {error}') from error
    data = read_data(args, cfg, loaded.pipeline)
    write_folder(Path(args.out), args.face_model)

    path = Path(args.out) / 'model.onnx'
    with TemporaryDirectory() as folder:
        float32 = path
        if args.precision != 'float32':
            float32 = Path(folder) / path.name
        write_model(module, float32_meta, float32)
        if args.precision == 'float16':
            write_model(module, meta, path)
        elif data.faces is not None and args.precision == 'int8':
            write_int8(float32, data.faces, meta, path)
        session = Session(path)
        print(f'{path}: {path.stat().st_size / 1e6:.1f} MB')
        print(compare_outputs(loaded.model, session, data.faces))
        metrics: dict = {}
        if data.tests is not None:
            metrics = data.tests.metrics(session)
            print(
                f'{args.precision}: accuracy {metrics["accuracy"]:.2f}, UAR '
                f'{metrics["uar"]:.2f} on {data.tests.name}'
            )
            if args.precision != 'float32':
                before = data.tests.metrics(Session(float32))
                print(compare_accuracy(before, metrics, args.precision))
    dataset = None if data.tests is None else data.tests.name
    with atomic_write(path.with_name('README.md')) as part:
        part.write_text(write_card(session.meta, dataset, metrics), 'utf-8')
    if page is not None:
        page.write(path.parent, session.meta)
        print(f'{path.with_name("index.html")}: a page, to be served')
    if args.server is not None:
        print(f'{args.server.url} (Ctrl-C ends it)', flush=True)
        with suppress(KeyboardInterrupt), args.server:
            args.server.serve_forever()
    return 0
