import hashlib

import torch
from torch import nn


class FrozenModule(nn.Module):
    """Base of modules that never learn and never enter a checkpoint.

    Call :meth:`freeze` at the end of ``__init__``; without it the module is
    like any other. From then on no parameter
    requires a gradient, ``.train()`` leaves the module in evaluation mode,
    and ``state_dict()`` has none of its tensors: they come from the weights
    file that the config names, whose fingerprint the checkpoint holds.
    Strict loading works both ways; tensors for a frozen module found in a
    state dict are reported as unexpected, never loaded.
    """

    frozen = False

    def freeze(self) -> None:
        """Switch off gradients, training mode and saving."""
        self.frozen = True
        self.requires_grad_(False)
        self.eval()
        self._register_state_dict_hook(_drop_own_tensors)
        self.register_load_state_dict_post_hook(_forgive_own_tensors)

    def train(self, mode: bool = True) -> 'FrozenModule':
        """Stay in evaluation mode, if frozen, whatever ``mode`` asks for."""
        return super().train(mode and not self.frozen)

    def _load_from_state_dict(self, state_dict, prefix, *rest):
        if not self.frozen:
            super()._load_from_state_dict(state_dict, prefix, *rest)
            return
        _metadata, _strict, _missing_keys, unexpected_keys, _errors = rest
        self._prefix = prefix
        # The children are loaded from the same dict after this call, so that
        # what is taken out here cannot reach them.
        for key in [key for key in state_dict if key.startswith(prefix)]:
            del state_dict[key]
            unexpected_keys.append(key)


def _drop_own_tensors(module, state_dict, prefix, local_metadata):
    for key in [key for key in state_dict if key.startswith(prefix)]:
        del state_dict[key]


def _forgive_own_tensors(module, incompatible_keys):
    missing = incompatible_keys.missing_keys
    missing[:] = [key for key in missing if not key.startswith(module._prefix)]


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
