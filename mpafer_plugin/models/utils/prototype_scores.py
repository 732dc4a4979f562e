import torch
import torch.nn.functional as F

from .global_local_scores import single_precision


def prototype_scores(
    global_feat: torch.Tensor, prototypes: torch.Tensor, offsets: torch.Tensor
) -> torch.Tensor:
    """Score images against class prototypes that learn (ours).

    The cosine of the global feature with the normalised prototype plus the
    offset, in float32 at least.

    Args:
        global_feat (torch.Tensor): Global features (B, D).
        prototypes (torch.Tensor): Class prototypes (C, D) of Eq. 6.
        offsets (torch.Tensor): What is added to each, (C, D). Where it is 0
            an image is scored by the nearest class mean.

    Returns:
        torch.Tensor: Scores (B, C), not scaled.
    """
    with torch.autocast(global_feat.device.type, enabled=False):
        keys = F.normalize(single_precision(prototypes), dim=-1)
        keys = F.normalize(keys + single_precision(offsets), dim=-1)
        image = F.normalize(single_precision(global_feat), dim=-1)
        return image @ keys.T
