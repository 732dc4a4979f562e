# MPA-FER on RAF-DB with LAION-2B's weights of ViT-B/16. Not published: the
# paper's weights are OpenAI's. These were trained with GELU, not QuickGELU.
_base_ = ['mpafer_rafdb.py']

arch = '{{$MPAFER_ARCH:ViT-B-16}}'
clip_weights = '{{$MPAFER_CLIP:laion2b_s34b_b88k}}'
_tower = dict(arch=arch, pretrained=clip_weights)
model = dict(backbone=_tower, head=dict(text=_tower))
