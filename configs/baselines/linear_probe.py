# A linear layer on the frozen tower's class token. Uses no text.
_base_ = ['../{{$MPAFER_ON:mpafer_rafdb}}.py']

from mpafer_plugin.clip import embed_dim

model = dict(
    backbone=dict(num_prompts=0, out_type='cls_token'),
    head=dict(
        _delete_=True,
        type='LinearClsHead',
        num_classes=len(_base_.classes),
        in_channels=embed_dim(_base_.arch),
        loss=dict(type='CrossEntropyLoss'),
    ),
)
# The features are not normalised, and only one layer is trained.
optim_wrapper = dict(
    optimizer=dict(_delete_=True, type='AdamW', lr=1e-3, weight_decay=0.0)
)
