from collections.abc import Sequence

from mmpretrain.models import ImageClassifier
from mmpretrain.registry import MODELS

from mpafer_plugin.clip import normalization
from mpafer_plugin.datasets.categories import SEVEN_EXPRESSIONS


def build_model(
    classes: Sequence[str] = SEVEN_EXPRESSIONS,
    arch: str = 'ViT-B-16-quickgelu',
    pretrained: str | None = 'openai',
    backbone: dict | None = None,
    text: dict | None = None,
    head: dict | None = None,
) -> ImageClassifier:
    """Build the model of the shipped configs, without config or runner.

    It is an ordinary ``nn.Module``: ``model(images)`` gives logits (B, C),
    ``model(images, samples, mode='loss')`` the named losses, with one
    :class:`mmpretrain.structures.DataSample` per image. Images are
    (B, 3, H, W), normalised as the weights need it. ``state_dict()`` holds
    the trainable parameters and the prototypes, not the frozen towers.

    Args:
        classes (Sequence[str]): Names of the C classes, in label order.
            Defaults to the seven basic expressions.
        arch (str): See :class:`PromptedCLIPViT`. Defaults to
            'ViT-B-16-quickgelu'.
        pretrained (str | None): See :class:`PromptedCLIPViT`. Defaults to
            'openai'.
        backbone (dict, optional): Arguments of :class:`PromptedCLIPViT` that
            override its defaults, the paper's. Defaults to None.
        text (dict, optional): The same for :class:`PromptedCLIPText`.
        head (dict, optional): The same for :class:`PromptAlignmentHead`. With
            ``loss_proto=None`` no prototypes are needed; otherwise set them
            with ``model.head.set_prototypes(class_prototypes(...))``.

    Returns:
        ImageClassifier: The model, on the CPU.
    """
    tower = dict(arch=arch, pretrained=pretrained)
    return MODELS.build(
        dict(
            type='ImageClassifier',
            data_preprocessor=dict(
                normalization(arch, pretrained), to_rgb=True
            ),
            backbone=dict(type='PromptedCLIPViT', **tower, **(backbone or {})),
            head=dict(
                type='PromptAlignmentHead',
                text=dict(
                    type='PromptedCLIPText',
                    classes=list(classes),
                    **tower,
                    **(text or {}),
                ),
                **(head or {}),
            ),
        )
    )
