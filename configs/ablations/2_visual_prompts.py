# Row 2: and visual prompts.
_base_ = ['1_context.py']

model = dict(backbone=dict(num_prompts=8))
