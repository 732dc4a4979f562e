# L_ta with a temperature of 1 instead of 0.07.
_base_ = ['../{{$MPAFER_ON:mpafer_rafdb}}.py']

model = dict(head=dict(loss_token=dict(temperature=1.0)))
