# MPA-FER plus on RAF-DB. Not measured: docs/evidence.md has results on other
# data.
_base_ = ['mpafer_rafdb.py', '_base_/mpafer_plus.py']

model = dict(head=_base_.plus_head)
train_dataloader = dict(sampler=_base_.plus_sampler)
optim_wrapper = _base_.plus_optim_wrapper
