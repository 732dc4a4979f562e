"""All targets, by name."""

from . import (
    answers,
    architectures,
    caches,
    checkpoints,
    descriptions,
    environment,
    face_detector,
    images,
    onnx_models,
    readers,
    resumed_runs,
    studies,
    tables,
    weights,
)

TARGETS = {
    target.name: target
    for module in (
        answers,
        architectures,
        caches,
        checkpoints,
        descriptions,
        environment,
        face_detector,
        images,
        onnx_models,
        readers,
        resumed_runs,
        studies,
        tables,
        weights,
    )
    for target in module.TARGETS
}
