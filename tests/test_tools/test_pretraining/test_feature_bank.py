import numpy as np
import torch

from mpafer_plugin.clip import ImageTower
from tools.pretraining.feature_bank import FeatureBank
from tools.pretraining.photo_bank import PhotoBank


class Fixed(PhotoBank):
    """Images without augmentation, so that features can be compared."""

    def augmented(self, chosen, rng):
        return (
            self.images[torch.from_numpy(chosen)].float().expand(-1, 3, -1, -1)
            / 255
        )


def test_keeps_tokens_of_each_view(tiny_clip):
    rng = np.random.default_rng(0)
    images = list(rng.integers(0, 256, (5, 48, 48)).astype(np.uint8))
    photos = Fixed(images, 32)
    tower = ImageTower(tiny_clip)
    bank = FeatureBank.collect(tower, photos, 2, 3, rng, batch_size=2)
    assert len(bank) == 5
    assert bank.tokens.shape == (5, 2, 1 + 3, 16)
    assert bank.tokens.dtype == torch.half

    tiny_clip.visual.output_tokens = True
    token, patches = tiny_clip.visual(photos.augmented(np.arange(5), rng))
    tiny_clip.visual.output_tokens = False
    found, kept = bank.draw(np.arange(5), rng)
    close = dict(atol=2e-2, rtol=0)
    torch.testing.assert_close(found @ tiny_clip.visual.proj, token, **close)
    apart = torch.cdist(kept, patches)  # (5, 3, 16)
    assert apart.amin(2).max() < 2e-2
    # No patch is kept twice, and the two views keep others.
    assert all(len(set(row.tolist())) == 3 for row in apart.argmin(2))
    assert not torch.equal(bank.tokens[:, 0], bank.tokens[:, 1])


def test_few_patches(tiny_clip):
    photos = Fixed([np.zeros((48, 48), np.uint8)], 32)
    rng = np.random.default_rng(0)
    bank = FeatureBank.collect(ImageTower(tiny_clip), photos, 1, 99, rng)
    assert bank.tokens.shape == (1, 1, 1 + 16, 16)
