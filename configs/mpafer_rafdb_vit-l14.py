# MPA-FER on RAF-DB, with ViT-L/14. Published: 93.74 %.
_base_ = ['mpafer_rafdb.py']

arch = '{{$MPAFER_ARCH:ViT-L-14-quickgelu}}'  # 224 pixels, as ViT-B/16
_tower = dict(arch=arch)
model = dict(backbone=_tower, head=dict(text=_tower))
