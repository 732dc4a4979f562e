# Row 2: row 1 with visual prompts.
_base_ = ['1_context.py']

model = dict(backbone=dict(num_prompts=8))
