# Row 1: the context of the soft prompts only.
_base_ = ['../{{$MPAFER_ON:mpafer_rafdb}}.py']

model = dict(
    backbone=dict(num_prompts=0),
    head=dict(
        local_weight=0, loss_token=None, loss_prompt=None, loss_proto=None
    ),
)
