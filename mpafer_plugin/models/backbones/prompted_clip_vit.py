from collections.abc import Iterable, Sequence
from functools import partial
from itertools import zip_longest
from typing import Any

import torch
from mmengine.utils import to_2tuple
from mmpretrain.models.backbones.base_backbone import BaseBackbone
from mmpretrain.registry import MODELS
from torch import nn
from torch.utils.checkpoint import checkpoint

from mpafer_plugin.clip import (
    fingerprint,
    image_tower,
    load_clip,
    prompted_block,
)

OUT_TYPES = ('aligned', 'cls_token', 'featmap')


@MODELS.register_module()
class PromptedCLIPViT(BaseBackbone):
    """Frozen CLIP image tower with deep visual prompts (Eq. 5).

    The only trainable parameter is ``prompts``, of shape (layers, n, d_v),
    unless ``frozen`` is False. All outputs are in CLIP's joint space, before
    L2 normalisation.

    Args:
        arch (str): Name of an open_clip ViT architecture, ``'face-tiny'``,
            or the path of an architecture JSON.
        pretrained (str | None): A tag of ``arch`` or a local file. None gives
            random weights and a warning.
        num_prompts (int): Prompts per layer, n. 0 gives the plain tower.
            Defaults to 8 (paper).
        prompt_depth (int, optional): Number of layers with prompts, counted
            from the first. Defaults to None, which means all (paper).
        out_type (str): Output of the forward pass, for B images, N patches
            and D joint dimensions. Defaults to ``'aligned'``.

            - ``'aligned'``: ``((global (B, D), patches (B, N, D)), )``.
            - ``'cls_token'``: ``((B, D), )``.
            - ``'featmap'``: ``((B, D, h, w), )``, the patches as a map.
        with_cp (bool): Whether to use activation checkpointing: less memory
            for about one more forward pass (docs/performance.md). Defaults to
            False.
        frozen (bool): Whether the tower is frozen. False means full
            fine-tuning, as a baseline: checkpoints then hold the whole
            tower. Defaults to True (paper).
        image_size (int | Sequence[int], optional): Side, or height and width,
            of the images in pixels, in multiples of the patch size. The
            position embeddings are interpolated if it is not the size of
            ``arch``, and the fingerprint is another one. Defaults to None,
            which means that of ``arch`` (paper).
        compile (bool | dict): Whether to compile the blocks, one graph for
            all of them; a dict has options of :func:`torch.compile`. Defaults
            to False.
        init_cfg (dict, optional): Initialization config. Defaults to None.

    Raises:
        ValueError: If ``out_type``, ``prompt_depth``, ``num_prompts`` or
            ``image_size`` is not allowed.
    """

    def __init__(
        self,
        arch: str,
        pretrained: str | None,
        num_prompts: int = 8,
        prompt_depth: int | None = None,
        out_type: str = 'aligned',
        with_cp: bool = False,
        frozen: bool = True,
        image_size: int | Sequence[int] | None = None,
        compile: bool | dict = False,
        init_cfg: dict | None = None,
    ):
        super().__init__(init_cfg)
        if out_type not in OUT_TYPES:
            raise ValueError(
                f'out_type={out_type!r} is not one of {OUT_TYPES}'
            )
        self.tower = image_tower(load_clip(arch, pretrained), frozen)
        self.arch = arch
        self.pretrained = pretrained
        self.fingerprint = fingerprint(self.tower)
        self.image_size: tuple | None = None  # unless it is the tower's own
        size = tuple(to_2tuple(image_size))
        if image_size is not None and size != self.tower.image_size:
            self.image_size = size
            # By the size, not by the positions: machines round differently.
            self.fingerprint = fingerprint(self.tower, f'image_size={size}')
            self.tower.resize(size)
        self.out_type = out_type
        self.with_cp = with_cp
        self._block: Any = prompted_block
        if compile is not False:
            options = {} if compile is True else compile
            self._block = torch.compile(prompted_block, **options)

        layers = len(self.tower.blocks)
        depth = layers if prompt_depth is None else prompt_depth
        if not 1 <= depth <= layers:
            raise ValueError(
                f'prompt_depth={prompt_depth!r} is not in 1 to {layers}, the '
                f'layers of {arch!r}'
            )
        if num_prompts < 0:
            raise ValueError(f'num_prompts={num_prompts!r} is negative')
        self.prompts: nn.Parameter | None = None
        if num_prompts:
            self.prompts = nn.Parameter(
                torch.empty(depth, num_prompts, self.tower.width)
            )
            nn.init.normal_(self.prompts, std=0.02)  # paper

    def forward(self, x: torch.Tensor, prompted: bool = True) -> tuple:
        """Extract features.

        Args:
            x (torch.Tensor): Images (B, 3, H, W), normalised as CLIP's.
            prompted (bool): Whether to use the prompts; without them the
                features are those of the frozen tower. Defaults to True.

        Returns:
            tuple: One element, see ``out_type``.
        """
        layer_prompts: Iterable = ()
        if prompted and self.prompts is not None:
            layer_prompts = self.prompts
        apply_block = self._block
        if self.with_cp and torch.is_grad_enabled():
            # Nothing in a block is random.
            apply_block = partial(
                checkpoint,
                self._block,
                use_reentrant=False,
                preserve_rng_state=False,
            )
        x = self.tower.embed(x)  # (B, T, d_v)
        rope = self.tower.rope
        with self.tower.own_precision():
            for block, prompts in zip_longest(
                self.tower.blocks, layer_prompts
            ):
                x = apply_block(block, x, prompts, rope=rope)
        if self.out_type == 'cls_token':
            return (self.tower.pool(x),)
        feature, patches = self.tower.features(x)  # (B, D), (B, N, D)
        if self.out_type == 'featmap':
            featmap = patches.transpose(1, 2)
            return (featmap.unflatten(-1, self.tower.grid).contiguous(),)
        return ((feature, patches),)

    def train(self, mode: bool = True) -> 'PromptedCLIPViT':
        """Set the mode; mmpretrain's own version returns None."""
        super().train(mode)
        return self
