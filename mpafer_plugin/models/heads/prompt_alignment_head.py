import math

import torch
from mmpretrain.models.heads import ClsHead
from mmpretrain.registry import MODELS
from mmpretrain.structures import DataSample
from torch import nn

from ..utils import global_local_scores, prototype_scores, single_precision

SCALES = ('clip', 'learnable')


@MODELS.register_module()
class PromptAlignmentHead(ClsHead):
    """Cross-modal global-local head of MPA-FER (Eq. 8-12).

    The score of class d is the cosine of the global feature with the class
    text plus the mean cosine of the ``top_k`` patches most similar to it.
    With ``proto_weight``, the cosine with the class prototype, shifted by a
    trainable offset, is added (ours; trainable keys built from images are
    from Tip-Adapter-F, Zhang et al. 2022).

    The losses are named ``loss_cls`` (L_vt), ``loss_token`` (L_ta),
    ``loss_prompt`` (L_pa) and ``loss_proto`` (L_v); pass None to disable any
    but the first.

    Args:
        text (dict): Config of the text part, :class:`PromptedCLIPText`.
        top_k (int): Number of patches in the local score, k, chosen for each
            class. Defaults to 16 (paper).
        local_weight (float): Weight of the local score; 0 disables it.
            Defaults to 1.0 (second-hand: equal weight).
        proto_weight (float): Weight of the prototype score, with trainable
            ``proto_offsets`` (C, D) initialised to 0; 0 disables both.
            Defaults to 0.0 (paper).
        logit_scale (str | float): Factor of the scores before the softmax:
            ``'clip'`` for CLIP's exp(logit_scale), fixed, a number, or
            ``'learnable'``, initialised to CLIP's. Defaults to ``'clip'``
            (ours; the paper leaves it open).
        loss_cls (dict): L_vt. Defaults to ``dict(type='CrossEntropyLoss')``.
        loss_token (dict, optional): L_ta, on token vectors. Defaults to
            ``dict(type='SoftHardAlignmentLoss')``.
        loss_prompt (dict, optional): L_pa, on text features. Defaults to
            ``dict(type='SoftHardAlignmentLoss', mode='l1')`` (second-hand).
        loss_proto (dict, optional): L_v. Needs :class:`PrototypeHook`.
            Defaults to ``dict(type='PrototypeAlignmentLoss')``.
        in_channels (int, optional): Channels of features that are not in the
            text space; a trainable projection is added. Defaults to None,
            which means no projection.
        init_cfg (dict, optional): Initialization config. Defaults to None.

    Raises:
        ValueError: If an argument is not one of the allowed values, or
            ``proto_weight`` is set without ``loss_proto``.
    """

    def __init__(
        self,
        text: dict,
        top_k: int = 16,
        local_weight: float = 1.0,
        proto_weight: float = 0.0,
        logit_scale: str | float = 'clip',
        loss_cls: dict = dict(type='CrossEntropyLoss'),  # noqa: B006
        loss_token: dict | None = dict(  # noqa: B006
            type='SoftHardAlignmentLoss'
        ),
        loss_prompt: dict | None = dict(  # noqa: B006
            type='SoftHardAlignmentLoss', mode='l1'
        ),
        loss_proto: dict | None = dict(  # noqa: B006
            type='PrototypeAlignmentLoss'
        ),
        in_channels: int | None = None,
        init_cfg: dict | None = None,
    ):
        super().__init__(loss=loss_cls, init_cfg=init_cfg)
        if top_k < 1:
            raise ValueError(f'top_k={top_k!r} is not positive')
        if not math.isfinite(local_weight) or not math.isfinite(proto_weight):
            raise ValueError(
                f'local_weight={local_weight!r} or '
                f'proto_weight={proto_weight!r} is not finite'
            )
        self.text = MODELS.build(text)
        self.top_k = top_k
        self.local_weight = local_weight
        self.proto_weight = proto_weight
        clip_scale = self.text.tower.logit_scale.detach()
        if logit_scale == 'learnable':
            self.log_scale = nn.Parameter(clip_scale.clone())
        elif logit_scale == 'clip' or (
            isinstance(logit_scale, (int, float))
            and 0 < logit_scale < math.inf
        ):
            if logit_scale != 'clip':
                clip_scale = torch.tensor(float(logit_scale)).log()
            self.register_buffer('log_scale', clip_scale, persistent=False)
        else:
            raise ValueError(
                f'logit_scale={logit_scale!r} is neither a positive number '
                f'nor one of {SCALES}'
            )
        self.loss_token = _build(loss_token)
        self.loss_prompt = _build(loss_prompt)
        self.loss_proto = _build(loss_proto)

        dims = self.text.tower.embed_dim
        self.projection: nn.Module = nn.Identity()
        if in_channels is not None:
            self.projection = nn.Linear(in_channels, dims, bias=False)
        if self.loss_proto is not None:
            shape = len(self.text.classes), dims
            # NaN until set, so that no result can depend on them.
            self.register_buffer('prototypes', torch.full(shape, float('nan')))
        self.proto_offsets: nn.Parameter | None = None
        if proto_weight:
            if self.loss_proto is None:
                raise ValueError(
                    f'proto_weight={proto_weight!r} needs prototypes, which '
                    'loss_proto=None disables'
                )
            self.proto_offsets = nn.Parameter(torch.zeros(shape))
        self._prototypes_seen = False
        # Class vectors and their key: device, dtype and context.
        self._cache: tuple[tuple, torch.Tensor] | None = None

    @property
    def num_classes(self) -> int:
        """Number of classes C, named as in mmpretrain's heads."""
        return len(self.text.classes)

    def set_prototypes(self, prototypes: torch.Tensor) -> None:
        """Set the class prototypes (C, D) of Eq. 6."""
        if prototypes.shape != self.prototypes.shape:
            raise ValueError(
                f'prototypes have shape {tuple(prototypes.shape)}, expected '
                f'{tuple(self.prototypes.shape)}'
            )
        # Converted first: not every device has float64.
        self.prototypes.copy_(prototypes.to(self.prototypes.dtype))

    def pre_logits(self, feats: tuple) -> tuple[torch.Tensor, torch.Tensor]:
        """Return global (B, D) and patch (B, N, D) features in text space.

        Args:
            feats (tuple): The last element is (global, patches) or, from
                other backbones, raw tokens (B, 1 + N, C), class token first.
        """
        feat = feats[-1]
        if isinstance(feat, torch.Tensor):
            if feat.ndim != 3:
                raise ValueError(
                    f'features have shape {tuple(feat.shape)}; '
                    "PromptAlignmentHead takes PromptedCLIPViT's 'aligned' "
                    'output or raw tokens (B, 1 + N, C)'
                )
            feat = feat[:, 0], feat[:, 1:]
        return self.projection(feat[0]), self.projection(feat[1])

    def forward(self, feats: tuple) -> torch.Tensor:
        """Compute the logits (B, C), the scaled scores S(d)."""
        return self.logits(*self.pre_logits(feats), self.class_vectors())

    def loss(
        self, feats: tuple, data_samples: list[DataSample], **kwargs
    ) -> dict[str, torch.Tensor]:
        """Compute the terms of Eq. 12.

        Args:
            feats (tuple): Features of the backbone, see :meth:`pre_logits`.
            data_samples (list[DataSample]): B samples with ``gt_score`` (C, )
                or ``gt_label`` (1, ).
            **kwargs: Further arguments of the classification loss.

        Returns:
            dict[str, torch.Tensor]: Weighted scalar losses by name.
        """
        global_feat, patches = self.pre_logits(feats)
        global_feat = single_precision(global_feat)
        if 'gt_score' in data_samples[0]:  # votes, mixup
            target = torch.stack([sample.gt_score for sample in data_samples])
            target = target.to(global_feat.dtype)  # one-hot labels are int
        else:
            target = torch.cat([sample.gt_label for sample in data_samples])
        soft = single_precision(self.class_vectors())
        losses = {}
        with torch.autocast(global_feat.device.type, enabled=False):
            logits = self.logits(global_feat, patches, soft)
            losses['loss_cls'] = self.loss_module(logits, target, **kwargs)
            if self.loss_token is not None:
                losses['loss_token'] = self.loss_token(
                    self.text.soft_tokens(), self.text.hard_tokens
                )
            if self.loss_prompt is not None:
                losses['loss_prompt'] = self.loss_prompt(
                    soft, self.text.hard_features
                )
            if self.loss_proto is not None:
                self._check_prototypes()
                losses['loss_proto'] = self.loss_proto(
                    global_feat, target, self.prototypes
                )
        return losses

    def _get_predictions(
        self,
        cls_score: torch.Tensor,
        data_samples: list[DataSample | None] | None,
    ) -> list[DataSample]:
        """Add the class names of the scores to each prediction."""
        predictions = super()._get_predictions(cls_score, data_samples)
        classes = tuple(self.text.classes)
        for sample in predictions:
            sample.set_field(classes, 'model_classes', field_type='metainfo')
        return predictions

    def train(self, mode: bool = True) -> 'PromptAlignmentHead':
        """Set the mode; layers of the text tower may have been changed."""
        self._cache = None
        return super().train(mode)

    def class_vectors(self) -> torch.Tensor:
        """Return the text features of the classes, (C, D), not normalised.

        In evaluation they are cached, and encoded again if the content, dtype
        or device of the context has changed, which is checked by each call,
        or the mode was set.
        """
        if (
            self.training
            or torch.is_grad_enabled()
            or torch.compiler.is_compiling()  # torch.export cannot compare
        ):
            return self.text()
        context = self.text.context
        weight = self.text.tower.token_embedding.weight
        state = (weight.device, weight.dtype, context)
        if self._cache is None or not _same(self._cache[0], state):
            copy = None if context is None else context.clone()
            with torch.autocast(weight.device.type, enabled=False):
                self._cache = (*state[:2], copy), self.text()
        return self._cache[1]

    def _check_prototypes(self) -> None:
        if torch.compiler.is_compiling():
            return  # values are not known
        # Only once: on a GPU each check waits for all queued kernels.
        if not self._prototypes_seen and not self.prototypes.isfinite().all():
            raise RuntimeError(
                'the prototypes are not set: add PrototypeHook to '
                'custom_hooks and train, load a checkpoint, call '
                'set_prototypes, or set model.head.loss_proto=None'
            )
        self._prototypes_seen = True

    def logits(
        self,
        global_feat: torch.Tensor,
        patches: torch.Tensor,
        class_vectors: torch.Tensor,
    ) -> torch.Tensor:
        """Sum the global, local and prototype scores, scaled.

        Args:
            global_feat (torch.Tensor): Class tokens of shape (B, D).
            patches (torch.Tensor): Patches of shape (B, N, D).
            class_vectors (torch.Tensor): Class vectors of shape (C, D).

        Returns:
            torch.Tensor: Logits of shape (B, C).
        """
        scores = global_local_scores(
            global_feat, patches, class_vectors, self.top_k, self.local_weight
        )
        if self.proto_offsets is not None:
            self._check_prototypes()
            scores = scores + self.proto_weight * prototype_scores(
                global_feat, self.prototypes, self.proto_offsets
            )
        return self.log_scale.exp() * scores


def _build(loss: dict | None) -> nn.Module | None:
    return None if loss is None else MODELS.build(loss)


def _same(a: tuple, b: tuple) -> bool:
    """Return whether device, dtype and context are equal."""
    if a[:2] != b[:2]:
        return False
    return a[2] is None or torch.equal(a[2], b[2])
