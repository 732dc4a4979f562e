"""Compare the speed of exported models in onnxruntime with torch.

Uses random weights, since speed does not depend on them, and drawn faces.
Prints JSON: milliseconds per image of each variant, medians over rounds in
which all take turns, and the size of each file in MB.
"""

import argparse
import copy
import json
import statistics
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

import onnxruntime
import torch
from mmengine.logging import MMLogger

from mpafer_plugin.apis import build_model
from mpafer_plugin.apis.load_model import load_model
from mpafer_plugin.clip.precision import cast_towers
from mpafer_plugin.export.compare import drawn_faces
from mpafer_plugin.export.describe import describe
from mpafer_plugin.export.folded_classifier import FoldedClassifier
from mpafer_plugin.export.session import Session
from mpafer_plugin.export.write import write_int8, write_model


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add('--arch', default='ViT-B-16-quickgelu', help='default: %(default)s')
    add('--batch', type=int, nargs='+', default=[1, 8], help='default: 1 8')
    add('--rounds', type=int, default=7, help='default: %(default)s')
    add('--threads', type=int, default=1, help='default: %(default)s')
    return parser.parse_args()


def write_all(arch: str, folder: Path) -> tuple[Any, dict[str, Path]]:
    """Write a model of random weights in each precision."""
    weights = arch if arch == 'face-tiny' else None
    model = build_model(
        arch=arch, pretrained=weights, head=dict(loss_proto=None)
    ).eval()
    loaded = load_model(model, device='cpu', dtype='float32')
    meta = describe(loaded, None, patches=False)
    module = FoldedClassifier(model)
    paths = {x: folder / f'{x}.onnx' for x in ('float32', 'float16', 'int8')}
    for precision in ('float32', 'float16'):
        described = replace(meta, precision=precision)
        write_model(module, described, paths[precision])
    faces = drawn_faces(16, meta.input)
    described = replace(meta, precision='int8')
    write_int8(paths['float32'], faces, described, paths['int8'])
    return model, paths


@torch.no_grad()
def main() -> int:
    args = parse_args()
    MMLogger.get_current_instance().setLevel('WARNING')
    torch.set_num_threads(args.threads)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = args.threads
    with TemporaryDirectory() as folder:
        model, paths = write_all(args.arch, Path(folder))
        sizes = {
            name: round(path.stat().st_size / 1e6, 1)
            for name, path in paths.items()
        }
        sessions = {
            f'onnxruntime {name}': Session(path, sess_options=options)
            for name, path in paths.items()
        }
    meta = sessions['onnxruntime float32'].meta
    half = copy.deepcopy(model)
    cast_towers(half, torch.bfloat16)
    result: dict = dict(arch=args.arch, threads=args.threads, megabytes=sizes)
    for batch in args.batch:
        images = drawn_faces(batch, meta.input)
        inputs = model.data_preprocessor(
            dict(inputs=torch.from_numpy(images[:, ::-1].copy()))
        )['inputs']
        variants: dict[str, Callable] = {
            'torch float32': partial(model, inputs),
            'torch bfloat16': partial(half, inputs),
        }
        for name, session in sessions.items():
            variants[name] = partial(session, images)
        times = time_in_turns(variants, args.rounds)
        result[f'ms per image, batch {batch}'] = {
            name: round(1000 * seconds / batch, 2)
            for name, seconds in times.items()
        }
    print(json.dumps(result, indent=1))
    return 0


def time_in_turns(
    variants: dict[str, Callable], rounds: int
) -> dict[str, float]:
    """Return the median of the seconds of each variant."""
    times: dict[str, list] = {name: [] for name in variants}
    for turn in range(rounds + 1):
        for name, run in variants.items():
            start = perf_counter()
            run()
            if turn:  # the first warms up
                times[name].append(perf_counter() - start)
    return {name: statistics.median(found) for name, found in times.items()}
