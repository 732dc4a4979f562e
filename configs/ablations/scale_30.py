# Scores times 30 rather than by CLIP's own scale.
_base_ = ['../{{$MPAFER_ON:mpafer_rafdb}}.py']

model = dict(head=dict(logit_scale=30.0))
