# A learnable scale, initialised to CLIP's.
_base_ = ['../{{$MPAFER_ON:mpafer_rafdb}}.py']

model = dict(head=dict(logit_scale='learnable'))
