"""What tools/benchmark.py times: ways through the same random CLIP."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from mmengine.optim import OptimWrapper

from .setting import MAX_NORM, SGD, Setting
from .textbook import textbook_training


def plain_inference(setting: Setting) -> Callable[[], None]:
    """(a) open_clip's image tower, without gradients."""
    visual = setting.clip.visual

    def step():
        with torch.no_grad(), setting.autocast():
            visual(setting.images)

    return step


def prompted_inference(setting: Setting) -> Callable[[], None]:
    """(b) Our model in evaluation: prompts, text side and both scores."""
    model = setting.model().eval()

    def step():
        with torch.no_grad(), setting.autocast():
            model(setting.images)

    return step


def prompted_training(
    setting: Setting, with_cp: bool = False
) -> Callable[[], None]:
    """(d) Our training step: raw images to the optimizer's step."""
    model = setting.model().train()
    model.backbone.with_cp = with_cp
    wrapper = OptimWrapper(
        torch.optim.SGD(
            [p for p in model.parameters() if p.requires_grad], **SGD
        ),
        clip_grad=dict(max_norm=MAX_NORM),
    )
    data = dict(inputs=setting.raw, data_samples=setting.samples)

    def step():
        with setting.autocast():
            model.train_step(data, wrapper)

    return step


def checkpointed_training(setting: Setting) -> Callable[[], None]:
    """(f) Our training step with activation checkpointing."""
    return prompted_training(setting, with_cp=True)


def text_side(setting: Setting) -> Callable[[], None]:
    """(t) What of (d) the text side is, its two losses and their gradient."""
    head = setting.model().train().head

    def step():
        with setting.autocast():
            features = head.class_vectors()
            tokens = head.text.soft_tokens()
        loss = head.loss_prompt(features.float(), head.text.hard_features)
        loss = loss + head.loss_token(tokens, head.text.hard_tokens)
        loss.backward()

    return step


def scores_and_losses(setting: Setting) -> Callable[[], None]:
    """(h) What of (d) the scores and losses are, from given features."""
    model = setting.model().train()
    with torch.no_grad(), setting.autocast():
        features = model.extract_feat(setting.images)[-1]
        texts = model.head.class_vectors()
    samples = [sample.to(setting.device) for sample in setting.samples]
    model.head.class_vectors = lambda: texts  # (t) counts them

    def step():
        feats = tuple(feature.requires_grad_() for feature in features)
        with setting.autocast():
            losses = model.head.loss((feats,), samples)
        sum(losses.values()).backward()

    return step


def plain_backward(setting: Setting) -> Callable[[], None]:
    """(e) The plain tower, and its class token's loss down to the tokens."""
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


VARIANTS = dict(
    a=plain_inference,
    b=prompted_inference,
    c=textbook_training,
    d=prompted_training,
    e=plain_backward,
    f=checkpointed_training,
    t=text_side,
    h=scores_and_losses,
)
