"""Data, precision and optimizer that all of tools/benchmark.py shares."""

import contextlib

import torch
from mmpretrain.structures import DataSample
from torch import nn

from mpafer_plugin.apis import build_model
from mpafer_plugin.clip import load_clip
from mpafer_plugin.datasets.categories import SEVEN_EXPRESSIONS

CLASSES = SEVEN_EXPRESSIONS
SGD = dict(lr=0.032, momentum=0.9, weight_decay=5e-4)
MAX_NORM = 1.0


class Setting:
    """Data and precision that all variants share.

    Args:
        arch (str): Name of the architecture.
        batch (int): Images a step, B.
        device (str): 'cpu' or 'cuda'.
        dtype (torch.dtype): What autocast computes in; float32 for none.
    """

    def __init__(self, arch: str, batch: int, device: str, dtype: torch.dtype):
        torch.manual_seed(0)
        self.arch, self.device, self.dtype = arch, device, dtype
        clip = load_clip(arch, None).to(device)
        self.clip = clip.eval().requires_grad_(False)
        size = self.clip.visual.image_size
        self.raw = torch.randint(0, 256, (batch, 3, *size), dtype=torch.uint8)
        self.images = torch.randn(batch, 3, *size, device=device)
        self.labels = torch.randint(len(CLASSES), (batch,), device=device)
        self.samples = [
            DataSample().set_gt_label(int(label)) for label in self.labels
        ]
        self.prototypes = torch.randn(
            len(CLASSES), self.clip.visual.output_dim, device=device
        )

    def autocast(self):
        """Context in which a forward pass runs."""
        if self.dtype == torch.float32:
            return contextlib.nullcontext()
        return torch.autocast(self.device, self.dtype)

    def model(self) -> nn.Module:
        """Our model, with prototypes."""
        model = build_model(CLASSES, self.arch, None).to(self.device)
        model.head.set_prototypes(self.prototypes)
        return model
