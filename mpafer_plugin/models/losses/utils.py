import torch
import torch.nn.functional as F


def l1_distance(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """Compute the L1 distance of normalised vectors, scaled as 1 - cosine.

    The sum of absolute differences over D dimensions is divided by sqrt(D).
    For random vectors of D = 512 the sum is about 25 and the mean 0.05. The
    scale is ours.

    Args:
        a (torch.Tensor): Vectors of shape (..., D).
        b (torch.Tensor): Vectors of a shape that broadcasts with ``a``.

    Returns:
        torch.Tensor: Distances of shape (...), in 0 to 2.
    """
    difference = F.normalize(a, dim=-1) - F.normalize(b, dim=-1)
    return difference.abs().sum(-1) / a.shape[-1] ** 0.5
