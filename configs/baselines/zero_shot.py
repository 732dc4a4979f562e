# Zero-shot CLIP: hard prompts and the class token, without training. Select
# the hard prompts by `model.head.text.granularity`: 1, 2, 3 or mean.
# Test without a checkpoint: mpafer test mpafer_plugin::baselines/zero_shot.py
_base_ = ['../{{$MPAFER_ON:mpafer_rafdb}}.py']

model = dict(
    backbone=dict(num_prompts=0),
    head=dict(
        text=dict(type='HardPromptCLIPText', num_context=0),
        local_weight=0,
        loss_token=None,
        loss_prompt=None,
        loss_proto=None,
    ),
)
