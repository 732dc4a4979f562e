"""A count of what would wait for a GPU, on the CPU."""

import torch
from torch.utils._python_dispatch import TorchDispatchMode

WAITING = {'_local_scalar_dense', 'nonzero', 'masked_select', 'bincount'}


class Waits(TorchDispatchMode):
    """Count reads of tensors, each of which a GPU would be waited for.

    A tensor counts as one of the GPU unless ``Tensor.cpu`` returned it.
    """

    def __init__(self, monkeypatch):
        super().__init__()
        self.count = 0
        self._copies = {}  # by address, kept so that it is not used again
        for name in ('tolist', 'numpy'):
            read = getattr(torch.Tensor, name)
            monkeypatch.setattr(torch.Tensor, name, self._reader(read))
        monkeypatch.setattr(torch.Tensor, 'cpu', lambda x: self._cpu(x))

    def _reader(self, read):
        return lambda tensor, *args: (self._note(tensor), read(tensor))[1]

    def _cpu(self, tensor):
        self._note(tensor)
        copy = tensor.clone()
        self._copies[copy.untyped_storage().data_ptr()] = copy
        return copy

    def _note(self, tensor):
        address = tensor.untyped_storage().data_ptr()
        self.count += address not in self._copies

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        if func.overloadpacket.__name__ in WAITING:
            self._note(args[0])
        return func(*args, **(kwargs or {}))
