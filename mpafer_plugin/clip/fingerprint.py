import hashlib

import torch
from torch import nn


def fingerprint(module: nn.Module) -> str:
    """Digest of what a tower computes with.

    Two towers have the same fingerprint if their layers are of the same kinds
    (QuickGELU is not GELU) and their parameters have the same names, shapes
    and values, compared in float32. The rule is ours.

    Returns:
        str: SHA-256, 64 hexadecimal digits.
    """
    digest = hashlib.sha256()
    for name, layer in module.named_modules():
        digest.update(f'{name}:{type(layer).__name__};'.encode())
    for name, tensor in sorted(module.named_parameters()):
        digest.update(f'{name}{tuple(tensor.shape)}'.encode())
        values = tensor.detach().to('cpu', torch.float32).contiguous()
        digest.update(values.numpy().data)
    return digest.hexdigest()
