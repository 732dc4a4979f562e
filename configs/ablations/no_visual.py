# Without visual prompts.
_base_ = ['../{{$MPAFER_ON:mpafer_rafdb}}.py']

model = dict(backbone=dict(num_prompts=0))
