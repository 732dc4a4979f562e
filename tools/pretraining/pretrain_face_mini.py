"""Train face-mini, a small CLIP of real faces, on photographs of FER+.

It has face-tiny's architecture and starts from its weights. It learns from
one half of FER+'s training images and captions in many wordings, drawn from
the noisy labels of FER2013; it sees no vote of FER+ and no validation or test
image. DIR receives face-mini.safetensors and leave_out.txt, the images that
prompts must not be trained on afterwards.
"""

from pathlib import Path

import numpy as np
import torch

from mpafer_plugin.clip import FACE_TINY, image_size, load_clip

from .photo_bank import PhotoBank
from .photo_captions import photo_caption
from .photo_data import load_photos, parse_positive, photo_parser
from .photo_loss import PhotoLoss
from .training import train
from .weights_file import save_weights

_START_SCALE, _MAX_SCALE = 10, 30


def main() -> None:
    args = parse_positive(photo_parser(__doc__), None)
    torch.set_num_threads(args.workers)
    torch.manual_seed(args.seed)
    rng = np.random.default_rng(args.seed)

    try:
        images, labels = load_photos(args, 'face-mini')
    except (ValueError, OSError) as error:
        raise SystemExit(str(error)) from error
    bank = PhotoBank(images, image_size(FACE_TINY))

    clip = load_clip(FACE_TINY, FACE_TINY).requires_grad_(True)
    with torch.no_grad():
        clip.logit_scale.fill_(np.log(_START_SCALE))
    loss_module = PhotoLoss(clip)

    def losses() -> dict[str, torch.Tensor]:
        chosen = rng.choice(len(bank), args.batch_size, replace=False)
        found = torch.from_numpy(labels[chosen])
        # Half of the images get a caption: texts cost as much time as images.
        half = found[::2]
        texts = [photo_caption(rng, int(label)) for label in half]
        return loss_module(bank.augmented(chosen, rng), found, texts, half)

    def report(line: str) -> None:
        print(line, flush=True)
        save_weights(clip, args.out / 'unfinished.safetensors')

    steps = args.epochs * len(bank) // args.batch_size
    train(
        clip, loss_module, losses, steps, _MAX_SCALE, args.report_every, report
    )
    # The final name appears only when training is complete.
    save_weights(clip, args.out / 'face-mini.safetensors')
    Path(args.out, 'unfinished.safetensors').unlink(missing_ok=True)


if __name__ == '__main__':
    main()
