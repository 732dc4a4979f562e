# VPT-Deep (Jia et al. 2022): visual prompts and a linear layer on the class
# token. Uses no text.
_base_ = ['linear_probe.py']

model = dict(backbone=dict(num_prompts=8))
