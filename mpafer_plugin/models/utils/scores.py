import torch
import torch.nn.functional as F


def global_local_scores(
    global_feat: torch.Tensor,
    patches: torch.Tensor,
    class_vectors: torch.Tensor,
    top_k: int,
    local_weight: float,
) -> torch.Tensor:
    """Score images against the texts of classes (Eq. 8-10).

    In float32 at least, under mixed precision too (ours): the cosines of the
    classes differ in the third digit, where bfloat16 ends, and are multiplied
    by 100 afterwards.

    Args:
        global_feat (torch.Tensor): Global features (B, D).
        patches (torch.Tensor): Patch features (B, N, D).
        class_vectors (torch.Tensor): Text features (C, D).
        top_k (int): Patches that count, chosen for each class by itself.
        local_weight (float): Weight of the local score; 0 leaves it out.

    Returns:
        torch.Tensor: Scores S(d), (B, C), not scaled.

    Raises:
        ValueError: If there are fewer patches than ``top_k``.
    """
    if local_weight and patches.shape[1] < top_k:
        raise ValueError(
            f'top_k={top_k} exceeds the {patches.shape[1]} patches of the '
            'image tower'
        )
    with torch.autocast(global_feat.device.type, enabled=False):
        classes = F.normalize(single_precision(class_vectors), dim=-1)
        image = F.normalize(single_precision(global_feat), dim=-1)
        scores = image @ classes.T  # (B, C)
        if local_weight:
            patches = F.normalize(single_precision(patches), dim=-1)
            sim = patches @ classes.T  # (B, N, C)
            local = sim.topk(top_k, dim=1).values.mean(1)  # (B, C)
            scores = scores + local_weight * local
    return scores


def single_precision(x: torch.Tensor) -> torch.Tensor:
    """Half precision becomes single; all else stays as it is."""
    return x.float() if x.element_size() < 4 else x


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
