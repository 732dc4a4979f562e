from collections.abc import Iterable

import numpy as np
import torch
import torch.nn.functional as F
from mmengine.dist import all_reduce

from mpafer_plugin.models.backbones import PromptedCLIPViT
from mpafer_plugin.models.utils import single_precision


@torch.no_grad()
def class_prototypes(
    backbone: PromptedCLIPViT,
    batches: Iterable[tuple[torch.Tensor, torch.Tensor]],
    num_classes: int,
    normalize: bool = True,
) -> torch.Tensor:
    """Compute class prototypes: mean features of the frozen tower (Eq. 6).

    In a distributed run each rank passes its share of the images, and all get
    the means over all of them.

    Args:
        backbone (PromptedCLIPViT): The image tower; its prompts are not
            used.
        batches (Iterable[tuple]): Images (B, 3, H, W), normalised as CLIP's
            and not augmented, with their labels (B, ).
        num_classes (int): Classes, C.
        normalize (bool): L2-normalise each feature before the mean, so that
            every image counts alike. Defaults to True (ours; the paper
            leaves it open).

    Returns:
        torch.Tensor: Prototypes (C, D), summed in float64, on the CPU: not
        every device has float64, and GPUs add in no fixed order.

    Raises:
        ValueError: If a class has no images.
    """
    device = next(backbone.parameters()).device
    sums = np.zeros((num_classes, backbone.tower.embed_dim))
    counts = np.zeros(num_classes)
    training = backbone.training  # a hook runs amid training
    backbone.eval()
    for images, labels in batches:
        feat = backbone(images.to(device), prompted=False)[-1]
        feat = feat[0] if isinstance(feat, tuple) else feat  # (B, D)
        feat = single_precision(feat)
        if normalize:
            feat = F.normalize(feat, dim=-1)
        classes = labels.cpu().numpy()
        np.add.at(sums, classes, feat.cpu().numpy())
        counts += np.bincount(classes, minlength=num_classes)
    backbone.train(training)
    all_reduce(torch.from_numpy(sums))  # in place
    all_reduce(torch.from_numpy(counts))
    if not counts.all():
        absent = np.flatnonzero(counts == 0).tolist()
        raise ValueError(
            f'no images of the classes {absent} (by index): they cannot '
            'have prototypes'
        )
    return torch.from_numpy(sums / counts[:, None])
