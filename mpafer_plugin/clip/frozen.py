import hashlib
from contextlib import AbstractContextManager, nullcontext

import torch
from torch import nn


class FrozenModule(nn.Module):
    """Base of modules that are neither trained nor saved.

    Subclasses call :meth:`freeze` at the end of ``__init__``; until then the
    module behaves like any other. Once frozen, no parameter requires a
    gradient, ``.train()`` keeps evaluation mode, and ``state_dict()`` omits
    its tensors: they come from the weights file named in the config, whose
    fingerprint is stored in the checkpoint. Strict loading still works;
    tensors of a frozen module in a state dict are reported as unexpected and
    never loaded.

    Its weights can be cast once to half precision, see :meth:`cast`. A module
    whose weights are half computes in their dtype, whatever autocast says.
    """

    frozen = False

    def freeze(self) -> None:
        """Disable gradients, training mode and saving."""
        self.frozen = True
        self.requires_grad_(False)
        self.eval()
        self._register_state_dict_hook(_drop_own_tensors)
        self.register_load_state_dict_post_hook(_ignore_own_tensors)

    def train(self, mode: bool = True) -> 'FrozenModule':
        """Set the mode; a frozen module stays in evaluation mode."""
        return super().train(mode and not self.frozen)

    @property
    def dtype(self) -> torch.dtype:
        """Dtype of the weights, in which a cast module computes."""
        return next(p.dtype for p in self.parameters() if p.ndim)

    def cast(self, dtype: torch.dtype) -> None:
        """Cast the weights once, in place of casting them in each call.

        Scalars stay: others read them, as the head does CLIP's scale.

        Args:
            dtype (torch.dtype): Such as ``torch.bfloat16``.
        """
        for tensor in (*self.parameters(), *self.buffers()):
            if tensor.is_floating_point() and tensor.ndim:
                # One by one: both copies of all are never in memory.
                tensor.data = tensor.data.to(dtype)

    def own_precision(self) -> AbstractContextManager:
        """Return the context of its layers, without autocast if it was cast.

        A module in float32, or one that is not frozen, follows autocast.
        """
        if self.frozen and self.dtype.itemsize < 4:
            device = next(self.parameters()).device.type
            return torch.autocast(device, enabled=False)
        return nullcontext()

    def _load_from_state_dict(self, state_dict, prefix, *rest):
        if not self.frozen:
            super()._load_from_state_dict(state_dict, prefix, *rest)
            return
        _metadata, _strict, _missing_keys, unexpected_keys, _errors = rest
        self._prefix = prefix
        # Children are loaded from the same dict after this call: removing
        # the keys here keeps them from being loaded.
        for key in [key for key in state_dict if key.startswith(prefix)]:
            del state_dict[key]
            unexpected_keys.append(key)


def _drop_own_tensors(module, state_dict, prefix, local_metadata):
    for key in [key for key in state_dict if key.startswith(prefix)]:
        del state_dict[key]


def _ignore_own_tensors(module, incompatible_keys):
    missing = incompatible_keys.missing_keys
    missing[:] = [key for key in missing if not key.startswith(module._prefix)]


def fingerprint(module: nn.Module, note: str = '') -> str:
    """Compute a digest of a tower's layers and weights.

    Two towers have the same fingerprint if their layers have the same types
    (QuickGELU differs from GELU) and their parameters, and the statistics of
    BatchNorm layers, the same names, shapes and float32 values. The rule is
    ours.

    Args:
        module (nn.Module): The tower.
        note (str): Further text that goes into the digest. Defaults to ''.

    Returns:
        str: SHA-256, 64 hexadecimal digits.
    """
    digest = hashlib.sha256(note.encode())
    for name, layer in module.named_modules():
        digest.update(f'{name}:{type(layer).__name__};'.encode())
    tensors: dict[str, torch.Tensor] = dict(module.named_parameters())
    for name, buffer in module.named_buffers():
        if name.endswith(('running_mean', 'running_var')):
            tensors[name] = buffer
    for name, tensor in sorted(tensors.items()):
        digest.update(f'{name}{tuple(tensor.shape)}'.encode())
        values = tensor.detach().to('cpu', torch.float32).contiguous()
        digest.update(values.numpy().data)
    return digest.hexdigest()
