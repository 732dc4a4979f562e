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

    Computed in float32 or higher, also under mixed precision (ours): the
    cosines of the classes differ in the third digit, beyond the precision of
    bfloat16, and are multiplied by 100 afterwards.

    Args:
        global_feat (torch.Tensor): Global features (B, D).
        patches (torch.Tensor): Patch features (B, N, D).
        class_vectors (torch.Tensor): Text features (C, D).
        top_k (int): Number of patches averaged, chosen for each class.
        local_weight (float): Weight of the local score; 0 disables it.

    Returns:
        torch.Tensor: Unscaled scores S(d), (B, C).

    Raises:
        ValueError: If there are fewer patches than ``top_k``.
    """
    if local_weight:
        check_top_k(top_k, patches.shape[1])
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


def check_top_k(top_k: int, num_patches: int) -> None:
    """Check that an image has enough patches for the local score."""
    if num_patches < top_k:
        raise ValueError(
            f'top_k={top_k} exceeds the {num_patches} patches of the image '
            'tower'
        )


def prototype_scores(
    global_feat: torch.Tensor, prototypes: torch.Tensor, offsets: torch.Tensor
) -> torch.Tensor:
    """Score images against trainable class prototypes (ours).

    The score is the cosine of the global feature with the normalised
    prototype plus its offset, in float32 or higher.

    Args:
        global_feat (torch.Tensor): Global features (B, D).
        prototypes (torch.Tensor): Class prototypes (C, D) of Eq. 6.
        offsets (torch.Tensor): Trainable offsets of the prototypes, (C, D).
            At 0, images are classified by the nearest class mean.

    Returns:
        torch.Tensor: Unscaled scores (B, C).
    """
    with torch.autocast(global_feat.device.type, enabled=False):
        keys = F.normalize(single_precision(prototypes), dim=-1)
        keys = F.normalize(keys + single_precision(offsets), dim=-1)
        image = F.normalize(single_precision(global_feat), dim=-1)
        return image @ keys.T


def single_precision(x: torch.Tensor) -> torch.Tensor:
    """Convert half precision to float32; keep other types."""
    return x.float() if x.element_size() < 4 else x
