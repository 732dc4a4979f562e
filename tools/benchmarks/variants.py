"""Steps timed by tools/benchmark.py, all through the same random CLIP."""

import contextlib
import copy
from collections.abc import Callable
from functools import partial
from typing import Any

import open_clip
import torch
import torch.nn.functional as F
from mmengine.optim import OptimWrapper
from mmpretrain.structures import DataSample
from torch import nn

from mpafer_plugin.apis import build_model
from mpafer_plugin.clip import load_clip
from mpafer_plugin.clip.precision import cast_towers
from mpafer_plugin.datasets.categories import SEVEN_EXPRESSIONS as CLASSES
from mpafer_plugin.models.utils import global_local_scores
from mpafer_plugin.prompts import HARD_PROMPTS_FILE, load_hard_prompts

NUM_PROMPTS, NUM_CONTEXT, TOP_K = 8, 10, 16
SGD: dict[str, Any] = dict(lr=0.032, momentum=0.9, weight_decay=5e-4)
MAX_NORM = 1.0

Step = Callable[[], object]


class Setting:
    """Data, precision and CLIP shared by all variants.

    Args:
        arch (str): Name of the architecture.
        batch (int): Images per step, B.
        device (str): Such as 'cpu' or 'cuda'.
        dtype (torch.dtype): Type of autocast; float32 disables it.

    Attributes:
        cast (bool): Whether the towers of our models are cast once.
    """

    cast = True

    def __init__(self, arch: str, batch: int, device: str, dtype: torch.dtype):
        torch.manual_seed(0)
        self.arch, self.device, self.dtype = arch, device, dtype
        self.clip = load_clip(arch, None).to(device).requires_grad_(False)
        size = self.clip.visual.image_size
        self.raw = torch.randint(0, 256, (batch, 3, *size), dtype=torch.uint8)
        if torch.device(device).type == 'cuda':
            self.raw = self.raw.pin_memory()  # as the data loaders do
        self.images = torch.randn(batch, 3, *size, device=device)
        self.labels = torch.randint(len(CLASSES), (batch,), device=device)
        self.samples = [
            DataSample().set_gt_label(int(label)) for label in self.labels
        ]
        self.prototypes = torch.randn(
            len(CLASSES), self.clip.visual.output_dim, device=device
        )

    def autocast(self):
        """Return the context of a forward pass."""
        if self.dtype == torch.float32:
            return contextlib.nullcontext()
        return torch.autocast(torch.device(self.device).type, self.dtype)

    def model(self) -> Any:
        """Build our model, with prototypes, its frozen towers cast once."""
        model = build_model(CLASSES, self.arch, None).to(self.device)
        model.head.set_prototypes(self.prototypes)
        if self.cast and self.dtype != torch.float32:
            cast_towers(model, self.dtype)
        return model


class AutocastOptimWrapper(OptimWrapper):
    """Optimizer wrapper whose forward passes run under autocast.

    The backward pass does not, as in training. Unlike mmengine's own it works
    on every device and needs no scaler.
    """

    def __init__(self, setting: Setting, **kwargs: Any):
        super().__init__(**kwargs)
        self.setting = setting

    @contextlib.contextmanager
    def optim_context(self, model: nn.Module):
        """Run the forward pass of ``model`` under autocast."""
        with super().optim_context(model), self.setting.autocast():
            yield


class Textbook(nn.Module):
    """The method as the paper describes it, built from open_clip's blocks.

    Prompts are appended to the tokens of each layer and dropped after it, and
    the text tower processes 77 tokens per class.
    """

    clip: Any

    def __init__(self, setting: Setting):
        super().__init__()
        self.clip = setting.clip
        self.prototypes = setting.prototypes
        blocks = self.clip.visual.transformer
        width = self.clip.token_embedding.embedding_dim
        self.prompts = nn.Parameter(
            0.02 * torch.randn(blocks.layers, NUM_PROMPTS, blocks.width)
        )
        self.context = nn.Parameter(0.02 * torch.randn(NUM_CONTEXT, width))
        tokens = open_clip.tokenize(
            [f'{"x " * NUM_CONTEXT}{name}.' for name in CLASSES]
        )
        hard = load_hard_prompts(HARD_PROMPTS_FILE, CLASSES)
        hard_tokens = open_clip.tokenize(
            [hard[name][3][0] for name in CLASSES]
        )
        with torch.no_grad():
            device = setting.device
            self.tokens = tokens.to(device)
            embedding = self.clip.token_embedding
            self.embeddings = embedding(self.tokens)
            self.hard_tokens = embedding(hard_tokens.to(device)).mean(1)
            self.hard_features = self.clip.encode_text(hard_tokens.to(device))

    def image_features(self, images: torch.Tensor) -> torch.Tensor:
        """Encode images as tokens (B, 1 + N, D) in the joint space."""
        visual = self.clip.visual
        x = visual._embeds(images)  # (B, 1 + N, d_v)
        length = x.shape[1]
        for block, prompts in zip(
            visual.transformer.resblocks, self.prompts, strict=True
        ):
            prompts = prompts.to(x.dtype).expand(len(x), -1, -1)
            x = block(torch.cat([x, prompts], dim=1))[:, :length]
        return visual.ln_post(x) @ visual.proj

    def text(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Return vectors (C, d_t) and features (C, D) of the soft prompts."""
        before = self.embeddings[:, :1]
        after = self.embeddings[:, 1 + NUM_CONTEXT :]
        context = self.context.expand(len(CLASSES), -1, -1)
        embeddings = torch.cat([before, context, after], dim=1)  # (C, 77, d)
        x = embeddings + self.clip.positional_embedding
        x = self.clip.transformer(x, attn_mask=self.clip.attn_mask)
        ends = self.tokens.argmax(-1)
        x = self.clip.ln_final(x)[torch.arange(len(x)), ends]
        return embeddings.mean(1), x @ self.clip.text_projection

    def loss(self, images, labels) -> torch.Tensor:
        """Compute the sum of the four losses."""
        features = self.image_features(images)
        tokens, texts = self.text()
        scores = global_local_scores(
            features[:, 0], features[:, 1:], texts, TOP_K, 1.0
        )
        target = torch.arange(len(CLASSES), device=scores.device)
        loss = F.cross_entropy(100 * scores, labels)
        for soft, hard in (
            (tokens, self.hard_tokens),
            (texts, self.hard_features),
        ):
            similar = F.normalize(hard, dim=-1) @ F.normalize(soft, dim=-1).T
            loss = loss + F.cross_entropy(similar / 0.07, target)
        own = self.prototypes[labels]
        return loss + (1 - F.cosine_similarity(features[:, 0], own)).mean()


def plain_inference(setting: Setting) -> Step:
    """Build (a), open_clip's image tower without gradients."""
    visual = setting.clip.visual

    def step():
        with torch.no_grad(), setting.autocast():
            visual(setting.images)

    return step


def prompted_inference(setting: Setting) -> Step:
    """Build (b), our inference with prompts, text side and both scores."""
    model = setting.model().eval()

    def step():
        with torch.no_grad(), setting.autocast():
            model(setting.images)

    return step


def textbook_training(setting: Setting) -> Step:
    """Build (c), the training step of the textbook implementation."""
    model = Textbook(setting).to(setting.device)
    parameters = [model.prompts, model.context]
    optimizer = torch.optim.SGD(parameters, **SGD)

    def step():
        with setting.autocast():
            loss = model.loss(setting.images, setting.labels)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(parameters, MAX_NORM)
        optimizer.step()

    return step


def prompted_training(setting: Setting, with_cp: bool = False) -> Step:
    """Build (d) or (f), our training step from raw images to the optimizer."""
    model = setting.model().train()
    model.backbone.with_cp = with_cp
    parameters = [p for p in model.parameters() if p.requires_grad]
    wrapper = AutocastOptimWrapper(
        setting,
        optimizer=torch.optim.SGD(parameters, **SGD),
        clip_grad=dict(max_norm=MAX_NORM),
    )
    data = dict(inputs=setting.raw, data_samples=setting.samples)
    return partial(model.train_step, data, wrapper)


def plain_backward(setting: Setting) -> Step:
    """Build (e), the plain tower with a backward pass to its tokens."""
    visual = setting.clip.visual
    texts = F.normalize(setting.prototypes, dim=-1)

    def step():
        with setting.autocast():
            with torch.no_grad():
                tokens = visual._embeds(setting.images)
            x = tokens.requires_grad_()
            for block in visual.transformer.resblocks:
                x = block(x)
            feature = visual.ln_post(x[:, 0]) @ visual.proj
            scores = 100 * F.normalize(feature.float(), dim=-1) @ texts.T
            loss = F.cross_entropy(scores, setting.labels)
        loss.backward()

    return step


def text_side(setting: Setting) -> Step:
    """Build (t), the text side of (d) with its two losses and gradient."""
    head = setting.model().train().head

    def step():
        with setting.autocast():
            features = head.class_vectors()
            tokens = head.text.soft_tokens()
        loss = head.loss_prompt(features.float(), head.text.hard_features)
        loss = loss + head.loss_token(tokens, head.text.hard_tokens)
        loss.backward()

    return step


def scores_and_losses(setting: Setting) -> Step:
    """Build (h), the scores and losses of (d) from given features."""
    model = setting.model().train()
    with torch.no_grad(), setting.autocast():
        features = model.extract_feat(setting.images)[-1]
        texts = model.head.class_vectors()
    samples = [sample.to(setting.device) for sample in setting.samples]
    model.head.class_vectors = lambda: texts  # measured by (t)

    def step():
        feats = tuple(feature.requires_grad_() for feature in features)
        with setting.autocast():
            losses = model.head.loss((feats,), samples)
        sum(losses.values()).backward()

    return step


def in_bfloat16(
    setting: Setting, variant: Callable[[Setting], Step], cast: bool = True
) -> Step:
    """Build (i), (s) or (u), a variant in bfloat16 whatever the setting's."""
    setting = copy.copy(setting)
    setting.dtype, setting.cast = torch.bfloat16, cast
    return variant(setting)


VARIANTS: dict[str, Callable[[Setting], Step]] = dict(
    a=plain_inference,
    b=prompted_inference,
    c=textbook_training,
    d=prompted_training,
    e=plain_backward,
    f=partial(prompted_training, with_cp=True),
    t=text_side,
    h=scores_and_losses,
    i=partial(in_bfloat16, variant=prompted_inference),
    s=partial(in_bfloat16, variant=prompted_training),
    u=partial(in_bfloat16, variant=prompted_training, cast=False),
)
