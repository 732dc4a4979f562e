# Full fine-tuning of the image tower, with a linear layer on its class token.
_base_ = ['linear_probe.py']

model = dict(backbone=dict(frozen=False))
optim_wrapper = dict(
    optimizer=dict(_delete_=True, type='AdamW', lr=1e-5, weight_decay=0.05)
)
