# L_pa as L1 distance instead of contrastive (Eq. 3).
_base_ = ['../{{$MPAFER_ON:mpafer_rafdb}}.py']

model = dict(head=dict(loss_prompt=dict(mode='l1')))
