import torch
from open_clip.model import CLIP
from torch import nn
from torch.nn import functional as F

from .texts import caption_tokens, encode

_PATCHES = 0.3  # weight of the patches' loss


class PhotoLoss(nn.Module):
    """Contrastive loss of photographs and captions, as in CLIP.

    All captions of a noisy label fit all of its images (UniCL, Yang et al.
    2022): with seven labels, most of a batch would otherwise be negatives of
    the same class. The mean of the patches is contrasted too, since MPA-FER
    scores patches and a plain CLIP leaves them unaligned (ours).

    Args:
        clip (open_clip.CLIP): The towers, trained in place.
    """

    def __init__(self, clip: CLIP) -> None:
        super().__init__()
        self.clip = clip
        clip.visual.output_tokens = True

    def forward(
        self,
        images: torch.Tensor,
        labels: torch.Tensor,
        texts: list[str],
        text_labels: torch.Tensor,
    ) -> dict[str, torch.Tensor]:
        """Compute the losses of one batch.

        Args:
            images (torch.Tensor): (B, 3, S, S), normalised.
            labels (torch.Tensor): Noisy labels of the images, (B, ).
            texts (list[str]): T captions, cut after 75 tokens.
            text_labels (torch.Tensor): Labels of the captions, (T, ).

        Returns:
            dict[str, torch.Tensor]: Named scalars, weighted.
        """
        image, patches = self.clip.visual(images)
        return self.contrast(image, patches, labels, texts, text_labels)

    def contrast(
        self,
        image: torch.Tensor,
        patches: torch.Tensor,
        labels: torch.Tensor,
        texts: list[str],
        text_labels: torch.Tensor,
    ) -> dict[str, torch.Tensor]:
        """Compute the losses of images that went through the tower.

        Args:
            image (torch.Tensor): Class tokens in the joint space, (B, D).
            patches (torch.Tensor): Patches before the projection,
                (B, P, d_v).
            labels (torch.Tensor): As for :meth:`forward`.
            texts (list[str]): As for :meth:`forward`.
            text_labels (torch.Tensor): As for :meth:`forward`.

        Returns:
            dict[str, torch.Tensor]: Named scalars, weighted.
        """
        room = self.clip.context_length - 2  # start and end
        tokens = [caption_tokens(text)[:room] for text in texts]
        text = F.normalize(encode(self.clip, tokens), dim=-1)
        patches = F.normalize(patches @ self.clip.visual.proj, dim=-1)
        fits = (labels[:, None] == text_labels[None]).float()  # (B, T)
        image = F.normalize(image, dim=-1)
        scale = self.clip.logit_scale.exp()
        return {
            'image': label_contrast(scale * image @ text.T, fits),
            'patches': _PATCHES
            * label_contrast(scale * patches.mean(1) @ text.T, fits),
        }


def label_contrast(logits: torch.Tensor, fits: torch.Tensor) -> torch.Tensor:
    """Cross entropy both ways, with all fitting pairs as equal targets.

    Args:
        logits (torch.Tensor): Of images with captions, (B, T).
        fits (torch.Tensor): 1 where a caption fits an image, else 0, (B, T).
            Rows and columns without any are ignored.

    Returns:
        torch.Tensor: A scalar, the mean of both ways.
    """
    losses = []
    for scores, target in ((logits, fits), (logits.T, fits.T)):
        counted = target.sum(1) > 0
        target = target[counted] / target[counted].sum(1, keepdim=True)
        losses.append(F.cross_entropy(scores[counted], target))
    return (losses[0] + losses[1]) / 2
