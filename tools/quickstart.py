"""Run the whole method in a few minutes, as `make quickstart` does.

Zero-shot evaluation, training, and a test of the best checkpoint, on drawn
faces with the small CLIP shipped with the package. Each step prints its
command before it runs.
"""

import argparse
import csv
import shlex
import subprocess
import sys
import time
from pathlib import Path

import mmengine
from rich.console import Console
from rich.table import Table

TOOLS = Path(__file__).parent
CONFIG = TOOLS.parent / 'configs' / 'mpafer_quickstart.py'


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--work-dir', default='work_dirs/quickstart')
    parser.add_argument('--seed', type=int, default=0)
    parser.add_argument(
        '--epochs',
        type=int,
        help='training epochs; default: those of the config',
    )
    return parser.parse_args()


def run(console: Console, tool: str, *args: str) -> float:
    """Run a tool, print its command line and return its seconds."""
    command = [str(TOOLS / tool), *args]
    shown = shlex.join([shown_path(sys.executable), *map(shown_path, command)])
    console.rule(tool, align='left')
    # whole, so that it can be copied
    console.print(shown, soft_wrap=True, highlight=False, markup=False)
    start = time.monotonic()
    subprocess.run([sys.executable, *command], check=True)
    return time.monotonic() - start


def shown_path(part: str) -> str:
    """Return a path in the current folder as a relative one."""
    path = Path(part)
    if path.is_absolute() and path.is_relative_to(Path.cwd()):
        return str(path.relative_to(Path.cwd()))
    return part


def main() -> None:
    args = parse_args()
    console = Console()
    work_dir = Path(args.work_dir)
    work_dir.mkdir(parents=True, exist_ok=True)
    for stale in work_dir.glob('best_*.pth'):
        stale.unlink()
    config, zero_json = str(CONFIG), str(work_dir / 'zero_shot.json')
    test_json = str(work_dir / 'test.json')

    run(console, 'zero_shot.py', config, '--out', zero_json)
    options = [f'randomness.seed={args.seed}']
    if args.epochs:
        options.append(f'train_cfg.max_epochs={args.epochs}')
    seconds = run(
        console,
        'train.py',
        config,
        '--work-dir',
        str(work_dir),
        '--cfg-options',
        *options,
    )
    (best,) = work_dir.glob('best_*.pth')
    run(
        console,
        'test.py',
        config,
        str(best),
        '--work-dir',
        str(work_dir),
        '--out',
        test_json,
        '--out-item',
        'metrics',
    )
    console.rule('Results', align='left')
    summarize(console, work_dir, seconds, best)


def summarize(
    console: Console, work_dir: Path, seconds: float, best: Path
) -> None:
    """Print the results and suggest next steps."""
    table = Table(title='test set, percent per class')
    with (work_dir / 'per_class.csv').open(encoding='utf-8') as file:
        header, *rows = csv.reader(file)
    for i, name in enumerate(header):
        table.add_column(
            name.replace('_', ' '), justify='right' if 0 < i < 5 else 'left'
        )
    for row in rows:
        table.add_row(*row)
    console.print(table)

    zero = mmengine.load(work_dir / 'zero_shot.json')
    granularity, kind, before = max(
        (
            (granularity, kind, metrics['accuracy'])
            for granularity, kinds in zero.items()
            for kind, metrics in kinds.items()
        ),
        key=lambda row: row[2],
    )
    scored_by = {'token': 'class token', 'both': 'global-local score'}[kind]
    metrics = mmengine.load(work_dir / 'test.json')
    python = shown_path(sys.executable)
    after = metrics['fer/accuracy']
    console.print(
        f'Zero-shot, best of all hard prompts ({granularity}, {scored_by}): '
        f'accuracy [b]{before:.2f} %[/b]\n'
        f'MPA-FER, {seconds / 60:.1f} minutes of training: accuracy '
        f'[b]{after:.2f} %[/b] ({after - before:+.2f}), UAR '
        f'{metrics["fer/uar"]:.2f} %, macro-F1 {metrics["fer/macro_f1"]:.2f} %'
        f'\nCheckpoint of the trained prompts, '
        f'{best.stat().st_size / 1e3:.0f} kB: {best}\n'
        f'See also: {work_dir}/confusion_matrix.png and per_class.csv\n'
        'Next: disable one part and compare,\n'
        f'  {python} tools/train.py configs/mpafer_quickstart.py '
        '--cfg-options model.head.local_weight=0\n'
        'or train on real faces (see the README for the data):\n'
        f'  MPAFER_DATA=data MPAFER_CLIP=openai {python} tools/train.py '
        'configs/mpafer_rafdb.py',
        soft_wrap=True,
        highlight=False,
    )


if __name__ == '__main__':
    main()
