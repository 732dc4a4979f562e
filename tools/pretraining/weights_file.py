from pathlib import Path

from open_clip.model import CLIP
from safetensors.torch import save_file

from mpafer_plugin.utils.atomic_write import atomic_write


def save_weights(clip: CLIP, path: Path) -> None:
    """Save weights in half precision; an interruption leaves the old file."""
    weights = {k: v.half().contiguous() for k, v in clip.state_dict().items()}
    with atomic_write(path) as part:
        save_file(weights, part)
