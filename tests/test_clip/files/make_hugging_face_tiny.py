"""Made hugging_face_tiny*.safetensors, by transformers 5.23.0.

transformers is no dependency of ours, so what it computes is kept here: the
weights of a tiny CLIPModel, inputs, and the normalised features that it gives
for them.
Run it where transformers is installed; the files are written beside it.
"""

from pathlib import Path

import torch
from safetensors.torch import save_file
from transformers import CLIPConfig, CLIPModel

FOLDER = Path(__file__).parent
TOWER = dict(
    hidden_size=16,
    intermediate_size=64,
    num_hidden_layers=2,
    num_attention_heads=2,
    hidden_act='quick_gelu',
    projection_dim=12,
)

torch.manual_seed(0)
model = CLIPModel(
    CLIPConfig(
        projection_dim=12,
        text_config=dict(
            vocab_size=64,
            max_position_embeddings=10,
            bos_token_id=62,
            eos_token_id=63,
            pad_token_id=0,
            **TOWER,
        ),
        vision_config=dict(image_size=32, patch_size=8, **TOWER),
    )
).eval()
for parameter in model.parameters():
    torch.nn.init.normal_(parameter, std=0.3)
save_file(
    {k: v.contiguous() for k, v in model.state_dict().items()},
    FOLDER / 'hugging_face_tiny.safetensors',
)

images = torch.randn(2, 3, 32, 32)
tokens = torch.tensor(
    [
        [62, 5, 9, 63, 0, 0, 0, 0, 0, 0],
        [62, 1, 2, 3, 4, 5, 6, 7, 8, 63],
        [62, 63, 0, 0, 0, 0, 0, 0, 0, 0],
    ]
)
with torch.no_grad():
    out = model(input_ids=tokens, pixel_values=images)
save_file(
    dict(
        images=images,
        tokens=tokens,
        image=out.image_embeds,
        text=out.text_embeds,
    ),
    FOLDER / 'hugging_face_tiny_features.safetensors',
)
