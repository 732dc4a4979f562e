# MPA-FER on AffectNet, seven expressions, with ViT-L/14. Published: 68.89 %.
_base_ = ['mpafer_affectnet7.py']

arch = '{{$MPAFER_ARCH:ViT-L-14-quickgelu}}'  # 224 pixels, as ViT-B/16
_tower = dict(arch=arch)
model = dict(backbone=_tower, head=dict(text=_tower))
