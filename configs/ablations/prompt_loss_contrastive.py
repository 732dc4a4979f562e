# L_pa contrastive, in the form of L_ta, instead of the L1 distance (Eq. 3).
_base_ = ['../{{$MPAFER_ON:mpafer_rafdb}}.py']

model = dict(head=dict(loss_prompt=dict(mode='contrastive')))
