from pathlib import Path

import timm
import torch
from open_clip.model import CLIP

from mpafer_plugin.clip import ImageTower, architecture
from mpafer_plugin.clip.state_dict import read_state_dict
from mpafer_plugin.clip.weights import resolve_weights
from mpafer_plugin.utils.tensor_files import misfit

from .timm_tower import Weights, from_timm

_TIMM = 'timm:'
_HEAD_WIDTH = 32  # of the text tower, which is small


def locked_clip(
    arch: str,
    pretrained: str | None,
    image_size: int | None,
    text_width: int,
    text_layers: int,
) -> tuple[dict, CLIP]:
    """Build a CLIP of a pre-trained image tower and a new text tower.

    Args:
        arch (str): As in :func:`mpafer_plugin.clip.architecture`, whose text
            tower is disregarded, or ``timm:`` and the name of a plain ViT.
        pretrained (str | None): A file with an image tower, or a tag; of a
            timm model, its own checkpoint, None for the published one.
        image_size (int | None): Side of the images in pixels; None for the
            tower's own. Positions are resized.
        text_width (int): Channels of the text tower, in multiples of 32.
        text_layers (int): Layers of the text tower.

    Returns:
        tuple[dict, open_clip.CLIP]: Its architecture, and the CLIP, in which
        text tower, logit scale and the image tower's projection are trainable.

    Raises:
        ValueError: If there are no such architecture or weights, or they
            cannot be used.
        ConnectionError: If weights cannot be downloaded.
    """
    if arch.startswith(_TIMM):
        config, weights = _timm(arch.removeprefix(_TIMM), pretrained)
    else:
        config, weights = _open_clip(arch, pretrained)
    config['text_cfg'] = dict(
        context_length=77,
        vocab_size=49408,
        width=text_width,
        heads=text_width // _HEAD_WIDTH,
        layers=text_layers,
    )
    clip = CLIP(**config)
    if problem := misfit(weights, clip.visual.state_dict()):
        raise ValueError(
            f'the weights do not match the image tower of {arch}: {problem}'
        )
    clip.visual.load_state_dict(weights)
    # Words that never occur keep their initial embeddings, which are therefore
    # as large as trained ones become.
    torch.nn.init.normal_(clip.token_embedding.weight, std=0.1)
    torch.nn.init.normal_(clip.positional_embedding, std=0.03)
    tower = ImageTower(clip)
    if image_size and tower.image_size != (image_size, image_size):
        tower.resize((image_size, image_size))
        config['vision_cfg'] |= dict(image_size=image_size)
    clip.visual.proj.requires_grad_(True)
    return config, clip


def _timm(name: str, pretrained: str | None) -> tuple[dict, Weights]:
    if pretrained and not Path(pretrained).is_file():
        raise ValueError(f'the file {pretrained!r} of {name} does not exist')
    try:
        # Without a head, files with one of any number of classes fit.
        model = timm.create_model(
            name,
            pretrained=True,
            num_classes=0,
            pretrained_cfg_overlay=dict(file=pretrained) if pretrained else {},
        )
    except OSError as error:
        raise ConnectionError(
            f'the weights of timm {name!r} are not on this machine and cannot '
            f'be downloaded; give a file of them by --pretrained: {error}'
        ) from error
    except (RuntimeError, ValueError) as error:
        raise ValueError(f'timm {name!r}: {error}') from error
    return from_timm(model)


def _open_clip(arch: str, pretrained: str | None) -> tuple[dict, Weights]:
    config = architecture(arch)
    if pretrained is None:
        raise ValueError(f'{arch!r} needs --pretrained: a file or a tag')
    path, quick_gelu = resolve_weights(arch, pretrained)
    if quick_gelu is not None:
        config['quick_gelu'] = quick_gelu
    prefix = 'visual.'
    weights = {
        name.removeprefix(prefix): tensor.float()
        for name, tensor in read_state_dict(path).items()
        if name.startswith(prefix)
    }
    return config, weights
