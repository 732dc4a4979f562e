# MPA-FER plus on drawn faces: results are in docs/evidence.md.
_base_ = ['mpafer_quickstart.py', '_base_/mpafer_plus.py']

model = dict(head=_base_.plus_head)
train_dataloader = dict(sampler=_base_.plus_sampler)
optim_wrapper = _base_.plus_optim_wrapper
