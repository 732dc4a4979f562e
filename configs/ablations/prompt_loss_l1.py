# L_pa as the L1 distance rather than contrastive (Eq. 3).
_base_ = ['../{{$MPAFER_ON:mpafer_rafdb}}.py']

model = dict(head=dict(loss_prompt=dict(mode='l1')))
