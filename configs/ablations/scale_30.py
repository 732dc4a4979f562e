# Scores scaled by 30 instead of CLIP's scale.
_base_ = ['../{{$MPAFER_ON:mpafer_rafdb}}.py']

model = dict(head=dict(logit_scale=30.0))
