"""Measure a GPU, and write the tables into docs/performance.md.

Steps with random weights and images (tools/benchmark.py's d and e), and
trainings of mpafer_rafdb.py on drawn faces of the size of RAF-DB's
(tools/benchmark_training.py).
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import torch

from .benchmark import build_steps, measure, peak_memory
from .operations import count_operations, matrix_rate

ROOT = Path(__file__).parents[2]
ARCHS = ['ViT-B-16-quickgelu', 'ViT-L-14-quickgelu']
EPOCHS, IMAGES = 120, 11044
"""Of a training on RAF-DB without its validation images."""

STEPS = '| tower | batch | images/s | ms | MiB | matrix rate | d/e |'
TRAINING = (
    '| tower | batch | images/s | waiting for images | loader alone, images/s '
    f'| {EPOCHS} epochs of RAF-DB |'
)


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add('--archs', nargs='+', default=ARCHS, help='default: %(default)s')
    add('--batches', nargs='+', type=int, default=[32, 128, 512])
    add('--device', default='cuda', help='default: %(default)s')
    add('--rounds', type=int, default=5, help='default: %(default)s')
    add('--data', help='folder for the drawn faces; default: removed later')
    add(
        '--docs',
        type=Path,
        default=ROOT / 'docs' / 'performance.md',
        help='file with the tables; default: docs/performance.md',
    )
    return parser.parse_args()


def measure_steps(
    arch: str, batch: int, device: str, rounds: int, rate: float
) -> list[str]:
    """Measure our training step (d) and the plain tower's (e).

    Returns:
        list[str]: Cells of the table.
    """
    try:
        steps = build_steps(arch, batch, device, 'bfloat16', 'de')
        times = measure(steps, rounds, device)
        memory = peak_memory(steps['d'], device)
        operations = count_operations(steps['d'])
    except torch.OutOfMemoryError:
        return ['out of memory', *['-'] * 4]
    seconds = float(np.median(times['d']))
    ratio = float(np.median(np.divide(times['d'], times['e'])))
    return [
        f'{batch / seconds:.0f}',
        f'{1000 * seconds:.1f}',
        f'{memory:.0f}',
        f'{100 * operations / seconds / rate:.0f} %',
        f'{ratio:.2f}',
    ]


def measure_training(arch: str, batch: int, data: str) -> list[str]:
    """Train for some iterations in a process of its own.

    Returns:
        list[str]: Cells of the table.
    """
    found = Path(data, 'training.json')
    command = [sys.executable, str(ROOT / 'tools' / 'benchmark_training.py')]
    command += [str(ROOT / 'configs' / 'mpafer_rafdb.py'), '--amp', 'bf16']
    command += ['--work-dir', data, '--json', str(found), '--cfg-options']
    for split in ('train', 'val', 'test'):
        dataset = f'{split}_dataloader.dataset'
        command += [f'{dataset}.type=SyntheticFaces']
        command += [f'{dataset}.data_root={data}/faces']
    command += ['model.backbone.pretrained=None']
    command += ['model.head.text.pretrained=None']
    command += [f'train_dataloader.batch_size={batch}']
    subprocess.run(command, check=True, env=os.environ | {'MPAFER_ARCH': arch})
    results = json.loads(found.read_text())
    rate = results['images_per_second']
    return [
        f'{rate:.0f}',
        f'{100 * results["shares"]["wait for images"]:.1f} %',
        f'{results["pipeline_images_per_second"]:.0f}',
        f'{EPOCHS * IMAGES / rate / 60:.1f} min',
    ]


def insert(docs: Path, text: str) -> None:
    """Replace what stands between the marks of a page.

    Raises:
        SystemExit: If it has no marks.
    """
    marks = '<!-- gpu -->', '<!-- end of gpu -->'
    pattern = re.compile(f'(?<={marks[0]}\n).*(?={marks[1]})', re.DOTALL)
    page, count = pattern.subn(
        lambda match: f'\n{text}\n', docs.read_text(encoding='utf-8')
    )
    if not count:
        raise SystemExit(f'{str(docs)!r} has no lines {" and ".join(marks)}')
    docs.write_text(page, encoding='utf-8')


def table(head: str, rows: list[list[str]]) -> str:
    """Format a table in Markdown."""
    rule = re.sub(r'[^|]+', '---', head)
    lines = [f'| {" | ".join(row)} |' for row in rows]
    return '\n'.join([head, rule, *lines])


def main() -> None:
    args = parse_args()
    rate = matrix_rate(args.device, torch.bfloat16)
    name = 'CPU'
    if torch.device(args.device).type == 'cuda':
        name = torch.cuda.get_device_name(args.device)
    steps, training = [], []
    for arch in args.archs:
        for batch in args.batches:
            cells = measure_steps(arch, batch, args.device, args.rounds, rate)
            steps.append([Path(arch).stem, str(batch), *cells])
            print(*steps[-1], flush=True)
        torch.cuda.empty_cache()
    with tempfile.TemporaryDirectory() as folder:
        for arch in args.archs:
            batch = args.batches[len(args.batches) // 2]
            cells = measure_training(arch, batch, args.data or folder)
            training.append([Path(arch).stem, str(batch), *cells])
    text = (
        f'{name}, torch {torch.__version__}, bfloat16. A product of two large '
        f'matrices reaches {rate / 1e12:.0f} TFLOP/s.\n\n'
        f'{table(STEPS, steps)}\n\n{table(TRAINING, training)}\n'
    )
    insert(args.docs, text)
    print(text)
