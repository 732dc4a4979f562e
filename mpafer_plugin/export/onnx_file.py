"""Writing of a classifier as a single ONNX file."""

import ast
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import nn

from mpafer_plugin.utils.atomic_write import atomic_write

from .metadata import ExportMeta

if TYPE_CHECKING:
    from onnx import ModelProto, NodeProto

OUTPUTS = ('logits', 'probabilities', 'patches')

LARGEST = 2**31
"""Bytes from which a model does not fit into a protocol buffer."""


def to_onnx(
    module: nn.Module, size: Sequence[int], patches: bool
) -> 'ModelProto':
    """Export a classifier with a dynamic batch.

    Args:
        module (nn.Module): Such as :class:`FoldedClassifier`.
        size (Sequence[int]): Height and width of the images in pixels.
        patches (bool): Whether it has the output ``patches``.

    Returns:
        onnx.ModelProto: The model, with its weights inside.

    Raises:
        ValueError: If the weights do not fit into a single file.
    """
    # torch exports first: torch.onnx would make the batch static if it
    # cannot be dynamic, without a word. torch 2.6 asks for a largest batch.
    shapes = dict(image={0: torch.export.Dim('batch', max=2**31)})
    program = torch.export.export(
        module,
        (torch.zeros(2, 3, *size),),  # a batch of 1 would be a constant
        dynamic_shapes=shapes,
    )
    exported = torch.onnx.export(
        program,
        dynamo=True,
        dynamic_shapes=shapes,  # for the name of the dimension
        input_names=['image'],
        output_names=list(OUTPUTS[: 2 + patches]),
        verbose=False,
    )
    assert exported is not None
    constants = exported.model.graph.initializers.values()
    num_bytes = sum(x.const_value.nbytes for x in constants if x.const_value)
    if num_bytes >= LARGEST:
        raise ValueError(
            f'the weights have {num_bytes:,} bytes; a single ONNX file has '
            f'less than {LARGEST:,}: --precision float16 halves them'
        )
    model = exported.model_proto
    # The exporter's notes are long and hold paths of this machine.
    graph = model.graph
    for i, node in enumerate(graph.node):
        node.name = f'{_module_of(node)}/{node.op_type}_{i}'
    for part in (graph, *graph.node, *graph.value_info, *graph.input):
        part.ClearField('metadata_props')
    graph.ClearField('value_info')  # shapes of intermediate values
    return model


def _module_of(node: 'NodeProto') -> str:
    """Return the path of the module that a node is of, '' for the whole."""
    for note in node.metadata_props:
        if note.key == 'pkg.torch.onnx.name_scopes':
            *_, path, _ = ast.literal_eval(note.value)
            return path
    return ''


def save(model: 'ModelProto', meta: ExportMeta, path: Path) -> None:
    """Check a model and write it with its metadata.

    Args:
        model (onnx.ModelProto): The model.
        meta (ExportMeta): Its description, to which the opset is added.
        path (Path): The file.

    Raises:
        onnx.checker.ValidationError: If ONNX's checker refuses the model.
    """
    import onnx

    (opset,) = (x.version for x in model.opset_import if not x.domain)
    meta = replace(meta, opset=opset)
    onnx.helper.set_model_props(model, meta.to_strings())
    onnx.checker.check_model(model, full_check=True)
    with atomic_write(path) as part:
        part.write_bytes(model.SerializeToString())
