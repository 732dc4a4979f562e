from torch import nn


def has_hooks(module: nn.Module) -> bool:
    """Return whether a call of a module is more than its class's forward."""
    return bool(
        module._forward_hooks
        or module._forward_pre_hooks
        or module._backward_hooks
        or module._backward_pre_hooks
        or 'forward' in module.__dict__  # replaced on the instance
    )
