# 32 visual prompts per layer instead of 8.
_base_ = ['../{{$MPAFER_ON:mpafer_rafdb}}.py']

model = dict(backbone=dict(num_prompts=32))
