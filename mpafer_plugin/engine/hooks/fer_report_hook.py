import csv
from pathlib import Path

import mmcv
import torch
from mmengine.dist import master_only
from mmengine.hooks import Hook
from mmpretrain.evaluation import ConfusionMatrix
from mmpretrain.registry import HOOKS

from mpafer_plugin.evaluation import FERMetric
from mpafer_plugin.utils.fonts import drawn_names

# Of the drawn matrix: classes with numbers in the cells, names along an axis,
# letters of a name.
MOST_NUMBERED, MOST_NAMES, LETTERS = 30, 150, 40


@HOOKS.register_module()
class FERReportHook(Hook):
    """Report of a test: results of each class, in the working directory.

    ``per_class.csv`` has one line per class: images, recall, precision, F1 (in
    percent), and the class it is most often mistaken for.
    ``confusion_matrix.png`` shows the share of each true class (row) that was
    predicted as each class (column), for up to 30 classes as a number too. Its
    size is bounded: some of very many names are left out, long ones are cut.
    A name with letters that no font of the system has is drawn as its number,
    the line of ``per_class.csv`` below the head. The matrix goes to the
    visualizer's backends (TensorBoard, W&B, MLflow) too.
    Without a :class:`FERMetric` in the test evaluator nothing is written.
    """

    @master_only
    def after_test_epoch(self, runner, metrics: dict | None = None) -> None:
        """Write the report."""
        for metric in runner.test_evaluator.metrics:
            if not isinstance(metric, FERMetric):
                continue
            found = metric.confusion, metric.classes
            folder = Path(runner.work_dir)
            write_table(*found, folder / 'per_class.csv')
            matrix = folder / 'confusion_matrix.png'
            draw_matrix(*found, matrix)
            image = mmcv.imread(matrix, channel_order='rgb')
            # MLflow takes the format from the name.
            runner.visualizer.add_image(matrix.name, image)
            runner.logger.info(
                f'per_class.csv and confusion_matrix.png are in {folder}'
            )


def write_table(confusion, classes, path: Path) -> None:
    """Write a table by class from a confusion matrix (C, C)."""
    with path.open('w', newline='', encoding='utf-8') as file:
        writer = csv.writer(file)
        writer.writerow(
            ['class', 'pictures', 'recall', 'precision', 'f1', 'taken_for']
        )
        for i, name in enumerate(classes):
            hits, support = confusion[i, i], confusion[i].sum()
            predicted = confusion[:, i].sum()
            errors = confusion[i].copy()
            errors[i] = 0
            writer.writerow(
                [
                    name,
                    support,
                    _percent(hits, support),
                    _percent(hits, predicted),
                    _percent(2 * hits, support + predicted),
                    classes[errors.argmax()] if errors.any() else '',
                ]
            )


def draw_matrix(confusion, classes, path: Path) -> None:
    """Draw a confusion matrix (C, C) in percent of its rows."""
    # Imported here: it takes a third of this package's import time.
    import matplotlib.pyplot as plt

    number = len(classes)
    many = number > MOST_NUMBERED
    support = confusion.sum(1, keepdims=True)
    share = torch.from_numpy(100 * confusion / support.clip(min=1))
    figure = ConfusionMatrix.plot(
        share if many else share.round().int(),
        include_values=not many,
        cmap='Blues',
        colorbar=many,
        show=False,
    )
    axes = figure.axes[0]
    axes.set(
        xlabel='predicted', ylabel='true', title='Percent of each true class'
    )
    shown, fonts = drawn_names(classes)
    if shown != list(classes):
        axes.set_title(
            f'{axes.get_title()}; numbers: lines of per_class.csv', size=10
        )
    step = -(-number // MOST_NAMES)
    names = [
        name if len(name) <= LETTERS else f'{name[: LETTERS - 1]}…'
        for name in shown[::step]
    ]
    style = dict(parse_math=False, size=7 if many else 10, family=fonts)
    axes.set_yticks(range(0, number, step), names, **style)
    axes.set_xticks(
        range(0, number, step), names, rotation=90 if many else 30, **style
    )
    size = 2 + 0.7 * min(number, MOST_NUMBERED)
    figure.set_size_inches(size, size)
    figure.savefig(path, dpi=100, bbox_inches='tight')
    plt.close(figure)


def _percent(part: int, whole: int) -> str:
    return f'{100 * part / whole:.2f}' if whole else ''
