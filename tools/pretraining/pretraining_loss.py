import numpy as np
import torch
from open_clip.model import CLIP
from torch import nn
from torch.nn import functional as F

from mpafer_plugin.datasets.synthetic.action_units import ACTION_UNITS

from .face_bank import FaceBank, FaceBatch
from .landmark_loss import LandmarkLoss
from .texts import Names, captions, encode, pieces

_SOFTNESS = 0.1  # temperature of the fit between captions and faces
_NAMES = 12  # made-up names to separate in a step
_APART = 0.4  # cosine up to which two made-up names count as apart
_CONTEXT_STD = 0.02  # of learnable prompts at initialisation


class PretrainingLoss(nn.Module):
    """All losses of the two towers of face-tiny.

    One linear head predicts action units from the joint space, whether a
    feature comes from a class token, from a patch near a landmark or from a
    text. This makes it a space of action units. In addition, captions and
    faces are aligned as in CLIP, with targets softened by how well a caption's
    units fit each face of the batch.

    Args:
        clip (open_clip.CLIP): The towers, trained in place.
    """

    def __init__(self, clip: CLIP) -> None:
        super().__init__()
        self.clip = clip
        clip.visual.output_tokens = True
        # Words that never occur keep their initial embeddings, which are
        # therefore as large as trained ones become.
        nn.init.normal_(clip.token_embedding.weight, std=0.1)
        nn.init.normal_(clip.positional_embedding, std=0.03)
        width, dim = clip.visual.proj.shape
        self.units_head = nn.Linear(dim, len(ACTION_UNITS))
        self.landmark_loss = LandmarkLoss(width, clip.visual.grid_size[0])
        self.names = Names()

    def forward(
        self, batch: FaceBatch, rng: np.random.Generator
    ) -> dict[str, torch.Tensor]:
        """Compute all losses of one batch.

        Args:
            batch (FaceBatch): B faces.
            rng (np.random.Generator): Source of captions and made-up names.

        Returns:
            dict[str, torch.Tensor]: Named scalars, weighted; their sum is
            minimised.
        """
        image, tokens = self.clip.visual(batch.images)
        patches = tokens @ self.clip.visual.proj  # (B, N, D)
        near = self.landmark_loss.near(batch.landmarks)
        error = (self.units_head(patches) - batch.units[:, None]) ** 2
        losses = {
            'units': 10 * F.mse_loss(self.units_head(image), batch.units),
            'patch': 10 * (near * error).sum() / near.sum(),
        }
        losses.update(self.landmark_loss(tokens, batch.landmarks))

        # Half of the faces get a caption: texts cost as much time as images.
        half = batch.units[::2]
        texts, mentioned = captions(half, self.names, rng)
        text = encode(self.clip, texts)
        error = (self.units_head(text) - half) ** 2 * mentioned
        losses['text'] = 5 * error.sum() / mentioned.sum().clamp(min=1)
        losses['align'] = 0.3 * self._align(
            image, text, batch.units, half, mentioned
        )
        losses['apart'] = self._keep_apart(rng)
        return losses

    def _align(
        self,
        image: torch.Tensor,
        text: torch.Tensor,
        units: torch.Tensor,
        text_units: torch.Tensor,
        mentioned: torch.Tensor,
    ) -> torch.Tensor:
        """Contrast captions with faces, both ways."""
        image, text = F.normalize(image, dim=1), F.normalize(text, dim=1)
        logits = self.clip.logit_scale.exp() * text @ image.T
        apart = (text_units[:, None] - units[None]) ** 2  # (text, image, 21)
        fit = -(apart * mentioned[:, None]).sum(2) / _SOFTNESS
        return (
            F.cross_entropy(logits, fit.softmax(1))
            + F.cross_entropy(logits.T, fit.T.softmax(1))
        ) / 2

    def _keep_apart(self, rng: np.random.Generator) -> torch.Tensor:
        """Separate texts that differ in a made-up name only.

        Half of them start with random vectors, as learnable prompts do: a
        tower that ignores the name there could not be prompted.
        """
        start, stop = pieces('a photo of'), pieces('.')
        photo = [[*start, *n, *stop] for n in self._draw_names(rng)]
        bare = [[*name, *stop] for name in self._draw_names(rng)]
        width = self.clip.token_embedding.embedding_dim
        context = rng.normal(
            0, _CONTEXT_STD, (int(rng.integers(4, 17)), width)
        )
        loss = torch.zeros(())
        for text in (
            encode(self.clip, photo),
            encode(self.clip, bare, torch.from_numpy(context).float()),
        ):
            text = F.normalize(text, dim=1)
            cosine = (text @ text.T).triu(1)
            loss = loss + ((cosine - _APART).clamp(min=0) ** 2).sum()
        return loss / _NAMES

    def _draw_names(self, rng: np.random.Generator) -> list[list[int]]:
        return [self.names.draw(rng) for _ in range(_NAMES)]


@torch.no_grad()
def read_units(
    clip: CLIP, loss_module: PretrainingLoss, bank: FaceBank, first: int
) -> float:
    """Measure how well action units of held-out faces are predicted.

    Args:
        clip (open_clip.CLIP): The towers.
        loss_module (PretrainingLoss): Holds the head that predicts them.
        bank (FaceBank): All faces.
        first (int): Index of the first held-out face.

    Returns:
        float: R2, the share of explained variance, mean over units.
    """
    clip.eval()
    chosen = np.arange(first, len(bank.units))
    read = []
    for part in np.array_split(chosen, max(1, len(chosen) // 256)):
        batch = bank.plain(part)
        read.append(loss_module.units_head(clip.visual(batch.images)[0]))
    units = bank.units[first:]
    left = ((torch.cat(read) - units) ** 2).mean(0)
    return float((1 - left / units.var(0, correction=0)).mean())
