# Without soft-hard alignment (L_ta, L_pa).
_base_ = ['../{{$MPAFER_ON:mpafer_rafdb}}.py']

model = dict(head=dict(loss_token=None, loss_prompt=None))
