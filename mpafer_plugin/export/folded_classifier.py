"""Classifiers as they are exported: what does not change is constant."""

import copy
from typing import Any

import torch
import torch.nn.functional as F
from mmpretrain.models import ImageClassifier
from mmpretrain.models.utils import ClsDataPreprocessor
from torch import nn

from mpafer_plugin.clip.prompted_block import is_plain_block
from mpafer_plugin.models import PromptAlignmentHead, PromptedCLIPViT
from mpafer_plugin.models.utils import check_top_k, prototype_scores


class FoldedClassifier(nn.Module):
    """Classifier without text tower, whose prompts are keys and values.

    Everything that does not depend on the image is computed once: the
    prompts' keys and values, class vectors, prototypes and scale. Outputs are
    those of the classifier up to rounding.

    Args:
        model (nn.Module): A classifier of mmpretrain in evaluation mode, in
            float32.
        patches (bool): Whether to output the local scores. Defaults to False.

    Raises:
        ValueError: If the model cannot be exported.
    """

    def __init__(self, model: Any, patches: bool = False):
        super().__init__()
        if not isinstance(model, ImageClassifier):
            raise ValueError(
                f'only an ImageClassifier can be exported, not '
                f'{type(model).__name__}'
            )
        backbone, head = model.backbone, model.head
        scores_patches = isinstance(backbone, PromptedCLIPViT) and isinstance(
            head, PromptAlignmentHead
        )
        if patches and not scores_patches:
            raise ValueError(
                'patches=True needs PromptedCLIPViT with PromptAlignmentHead, '
                f'not {type(backbone).__name__} with {type(head).__name__}: '
                'it has no local scores'
            )
        self.normalize = _Normalize(model.data_preprocessor)
        self.backbone: nn.Module = backbone
        if isinstance(backbone, PromptedCLIPViT):
            self.backbone = FoldedTower(backbone)
        self.neck = model.neck if model.with_neck else nn.Identity()
        self.head = head
        if isinstance(head, PromptAlignmentHead):
            self.head = FoldedHead(head, patches)
        self.requires_grad_(False).eval()

    def in_float16(self) -> 'FoldedClassifier':
        """Return a copy whose image tower is float16; scores are float32.

        Raises:
            ValueError: If the backbone is not :class:`PromptedCLIPViT`.
        """
        check_folded(self, 'float16')
        module = copy.deepcopy(self)
        module.backbone.half()
        return module

    def forward(self, image: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """Classify faces.

        Args:
            image (torch.Tensor): (B, 3, H, W), RGB in 0 to 255.

        Returns:
            tuple: Logits (B, C), probabilities (B, C), and local scores
            (B, N, C) if ``patches``.
        """
        feats = self.neck(self.backbone(self.normalize(image)))
        logits = self.head(feats)
        logits, *rest = logits if isinstance(logits, tuple) else (logits,)
        return logits, logits.softmax(-1), *rest


def check_folded(module: FoldedClassifier, precision: str) -> None:
    """Check that a precision is possible: it is that of a CLIP's blocks.

    Raises:
        ValueError: If the backbone is not :class:`PromptedCLIPViT`.
    """
    if not isinstance(module.backbone, FoldedTower):
        raise ValueError(
            f'precision {precision!r} is for PromptedCLIPViT, not for '
            f'{type(module.backbone).__name__}'
        )


class _Normalize(nn.Module):
    """Normalisation of RGB images by a data preprocessor of mmpretrain."""

    mean: torch.Tensor
    std: torch.Tensor

    def __init__(self, preprocessor: nn.Module):
        super().__init__()
        if (
            not isinstance(preprocessor, ClsDataPreprocessor)
            or preprocessor.pad_size_divisor != 1
        ):
            raise ValueError(
                f'data preprocessor {preprocessor}: only ClsDataPreprocessor '
                'without padding can be exported'
            )
        self.rgb = preprocessor.to_rgb  # images are loaded as BGR
        self.enabled = preprocessor._enable_normalize
        if self.enabled:
            self.register_buffer('mean', preprocessor.mean.clone())
            self.register_buffer('std', preprocessor.std.clone())

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        if not self.rgb:
            image = image.flip(1)
        return (image - self.mean) / self.std if self.enabled else image


class FoldedTower(nn.Module):
    """Image tower whose visual prompts are constant keys and values.

    Args:
        backbone (PromptedCLIPViT): The tower and its prompts.
    """

    def __init__(self, backbone: PromptedCLIPViT):
        super().__init__()
        self.tower = backbone.tower
        self.out_type = backbone.out_type
        prompts: list = [None] * len(self.tower.blocks)
        if backbone.prompts is not None:
            prompts[: len(backbone.prompts)] = backbone.prompts.detach()
        blocks = map(FoldedBlock, self.tower.blocks, prompts)
        self.blocks = nn.ModuleList(blocks)

    def forward(self, x: torch.Tensor) -> tuple:
        """Do as :class:`PromptedCLIPViT`, with images (B, 3, H, W).

        The features are float32.
        """
        x = self.tower.embed(x)  # (B, T, d_v)
        for block in self.blocks:
            x = block(x)
        if self.out_type == 'cls_token':
            return (self.tower.pool(x).float(),)
        feature, patches = (f.float() for f in self.tower.features(x))
        if self.out_type == 'featmap':
            featmap = patches.transpose(1, 2)
            return (featmap.unflatten(-1, self.tower.grid),)
        return ((feature, patches),)


class FoldedBlock(nn.Module):
    """Residual block of a tower with constant keys and values of prompts.

    Args:
        block (ResidualAttentionBlock): A block of open_clip.
        prompts (torch.Tensor | None): Prompts of this layer, (n, d).

    Raises:
        ValueError: If the block has hooks or other layers than open_clip's.
    """

    keys: torch.Tensor | None
    values: torch.Tensor | None

    def __init__(self, block: Any, prompts: torch.Tensor | None):
        super().__init__()
        if not is_plain_block(block):
            raise ValueError(
                f'a block of the image tower ({type(block).__name__}) is '
                "not open_clip's own, was changed or has hooks: it cannot be "
                'exported'
            )
        self.heads = block.attn.num_heads
        self.ln_1: nn.Module = block.ln_1
        self.ls_1: nn.Module = block.ls_1
        self.ln_2: nn.Module = block.ln_2
        self.ls_2: nn.Module = block.ls_2
        self.mlp: nn.Module = block.mlp
        self.out_proj: nn.Module = block.attn.out_proj
        weight, bias = block.attn.in_proj_weight, block.attn.in_proj_bias
        width = weight.shape[1]
        self.size = width // self.heads
        # Queries are scaled by their weights.
        scale = torch.ones(3 * width)
        scale[:width] = self.size**-0.5
        self.in_proj = nn.Linear(width, 3 * width)
        self.in_proj.load_state_dict(
            dict(weight=weight * scale[:, None], bias=bias * scale)
        )
        keys = values = None
        if prompts is not None:
            with torch.no_grad():
                seen = block.ln_1(prompts)
                _, keys, values = self._project(seen, len(prompts))
        self.register_buffer('keys', keys)  # (1, heads, n, d / heads)
        self.register_buffer('values', values)

    def _project(self, rows: torch.Tensor, length: int) -> list[torch.Tensor]:
        """Return queries, keys and values, (B, heads, length, d / heads)."""
        # The batch is -1, so that the shapes in the graph are constant.
        shape = -1, length, self.heads, self.size
        parts = self.in_proj(rows).chunk(3, dim=-1)
        return [part.reshape(shape).transpose(1, 2) for part in parts]

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Do as :func:`prompted_block`, with tokens (B, T, d)."""
        batch, *shape = x.shape
        # Of a matrix, a linear layer is ONNX's Gemm, which has a bias.
        x = x.flatten(0, 1)  # (B * T, d)
        q, k, v = self._project(self.ln_1(x), shape[0])
        if self.keys is not None and self.values is not None:
            size = (batch, -1, -1, -1)
            k = torch.cat([k, self.keys.expand(size)], dim=2)
            v = torch.cat([v, self.values.expand(size)], dim=2)
        out = (q @ k.transpose(-2, -1)).softmax(-1) @ v
        out = out.transpose(1, 2).reshape(-1, shape[1])
        x = x + self.ls_1(self.out_proj(out))
        x = x + self.ls_2(self.mlp(self.ln_2(x)))
        return x.reshape(-1, *shape)


class FoldedHead(nn.Module):
    """Scores of :class:`PromptAlignmentHead` with constant class vectors.

    Args:
        head (PromptAlignmentHead): The head, in evaluation mode.
        patches (bool): Whether to return the local scores.
    """

    keys: torch.Tensor
    classes: torch.Tensor

    def __init__(self, head: PromptAlignmentHead, patches: bool):
        super().__init__()
        self.projection = head.projection
        self.top_k = head.top_k
        self.local_weight = head.local_weight
        self.patches = patches
        with torch.no_grad():
            classes = F.normalize(head.class_vectors(), dim=-1)
            # Cosines with class and prototype are of one image feature: one
            # product with the sum of both, (C, D).
            keys = classes
            if head.proto_offsets is not None:
                head._check_prototypes()
                axes = torch.eye(keys.shape[1])
                keys = (
                    keys
                    + head.proto_weight
                    * prototype_scores(
                        axes, head.prototypes, head.proto_offsets
                    ).T
                )
            scale = head.log_scale.exp()
            self.register_buffer('keys', scale * keys)
            self.register_buffer('classes', classes)
            self.local_scale = float(scale * head.local_weight)

    def forward(
        self, feats: tuple
    ) -> torch.Tensor | tuple[torch.Tensor, torch.Tensor]:
        """Compute the logits (B, C) and, if ``patches``, cosines (B, N, C)."""
        feat = feats[-1]
        if isinstance(feat, torch.Tensor):  # raw tokens of other backbones
            feat = feat[:, 0], feat[:, 1:]
        image, patches = (self.projection(x) for x in feat)
        logits = F.normalize(image, dim=-1) @ self.keys.T
        if not self.local_weight and not self.patches:
            return logits
        cosines = F.normalize(patches, dim=-1) @ self.classes.T
        if self.local_weight:
            check_top_k(self.top_k, cosines.shape[1])
            local = cosines.topk(self.top_k, dim=1).values.mean(1)
            logits = logits + self.local_scale * local
        return (logits, cosines) if self.patches else logits
