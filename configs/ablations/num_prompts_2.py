# 2 visual prompts a layer rather than 8.
_base_ = ['../{{$MPAFER_ON:mpafer_rafdb}}.py']

model = dict(backbone=dict(num_prompts=2))
