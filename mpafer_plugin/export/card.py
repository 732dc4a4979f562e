"""Model card of an exported model, ``README.md``."""

from collections.abc import Mapping

from mpafer_plugin.utils.metric_names import metric_name

from .metadata import ExportMeta

LIMITS = """\
A prediction states how a face looks to the annotators of the training data,
not what a person feels: expressions are not a reliable sign of emotion, and
differ between cultures, persons and situations. Error rates differ between
groups: measure them on your own population before any use. Emotion recognition
is restricted by law in places; in the European Union the AI Act (Regulation
2024/1689) forbids it at work and in education except for medical and safety
reasons, and treats it as high-risk elsewhere. Do not use this to judge, hire,
grade, police or treat anybody.
"""


def write_card(
    meta: ExportMeta, data: str | None, metrics: Mapping[str, float]
) -> str:
    """Write the card.

    Args:
        meta (ExportMeta): Description of the model as it was written.
        data (str, optional): The test set in words. Defaults to None: the
            model was not tested.
        metrics (Mapping[str, float]): See :class:`FERMetric`, of the exported
            model.

    Returns:
        str: Markdown.
    """
    height, width = meta.input['size']
    count = len(meta.classes)
    outputs = f'`logits` and `probabilities` (batch, {count})'
    if meta.grid is not None:
        rows, columns = meta.grid
        outputs += (
            f', `patches` (batch, {rows * columns}, {count}): cosines of the '
            f'{rows} x {columns} patches with each class, row by row'
        )
    lines = [
        '# Facial expression recognition: model.onnx',
        '',
        '| | |',
        '|---|---|',
        f'| classes | {", ".join(map(_cell, meta.classes))} |',
        f'| input | `image` (batch, 3, {height}, {width}), float32, RGB in 0 '
        'to 255; normalisation is inside |',
        f'| crops are resized | {meta.input["interpolation"]} |',
        f'| face crop in training | {_crop(meta)} |',
        f'| outputs | {outputs} |',
        f'| precision | {meta.precision}, ONNX opset {meta.opset} |',
    ]
    if meta.checkpoint is not None:
        name, digest, date = (
            meta.checkpoint[key] for key in ('file', 'sha256', 'date')
        )
        lines += [
            f'| made from | {_cell(name)} of {date} |',
            f'| its SHA-256 | `{digest}` |',
        ]
    lines += [
        f'| {name.replace("_", " ")} | `{digest}` |'
        for name, digest in meta.fingerprints.items()
    ]
    lines += ['', '## Accuracy', '']
    if data is None:
        lines += [
            'Not measured: `mpafer export --config CONFIG` tests the model '
            'on the test set of its config, and so does `mpafer test CONFIG '
            'model.onnx`.'
        ]
    else:
        lines += [
            f'On {data}, in percent, as this file predicts:',
            '',
            '| | |',
            '|---|---|',
            f'| accuracy | {metrics["accuracy"]:.2f} |',
            f'| UAR (mean of the recalls) | {metrics["uar"]:.2f} |',
            f'| macro F1 | {metrics["macro_f1"]:.2f} |',
        ]
        if metrics.get('left_out'):
            lines += [f'| images left out | {metrics["left_out"]:.2f} |']
        lines += [
            f'| recall of {_cell(name)} | {metrics[key]:.2f} |'
            for name in meta.classes
            if (key := metric_name(f'recall_{name}')) in metrics
        ]
    lines += ['', '## Limits', '', LIMITS, '## License', '', meta.license, '']
    return '\n'.join(lines)


def _crop(meta: ExportMeta) -> str:
    if meta.crop is None:
        return 'not known: images were used as released'
    return _cell(', '.join(f'{k} {v}' for k, v in meta.crop.items()))


def _cell(text: str) -> str:
    return text.replace('|', '\\|')
