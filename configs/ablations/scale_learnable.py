# A learnable scale that starts at CLIP's own.
_base_ = ['../{{$MPAFER_ON:mpafer_rafdb}}.py']

model = dict(head=dict(logit_scale='learnable'))
