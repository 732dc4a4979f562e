# L_ta with a temperature of 0.01 instead of 0.07.
_base_ = ['../{{$MPAFER_ON:mpafer_rafdb}}.py']

model = dict(head=dict(loss_token=dict(temperature=0.01)))
