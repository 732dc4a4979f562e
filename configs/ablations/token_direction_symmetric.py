# L_ta in both directions instead of over the soft prompts.
_base_ = ['../{{$MPAFER_ON:mpafer_rafdb}}.py']

model = dict(head=dict(loss_token=dict(direction='symmetric')))
