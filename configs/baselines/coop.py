# CoOp (Zhou et al. 2022): only 16 shared context vectors are trained.
_base_ = ['../{{$MPAFER_ON:mpafer_rafdb}}.py']

model = dict(
    backbone=dict(num_prompts=0),
    head=dict(
        text=dict(num_context=16),
        local_weight=0,
        loss_token=None,
        loss_prompt=None,
        loss_proto=None,
    ),
)
