"""All targets, by name."""

from . import (
    architectures,
    checkpoints,
    descriptions,
    face_detector,
    onnx_models,
    resumed_runs,
    weights,
)

TARGETS = {
    target.name: target
    for module in (
        architectures,
        checkpoints,
        descriptions,
        face_detector,
        onnx_models,
        resumed_runs,
        weights,
    )
    for target in module.TARGETS
}
