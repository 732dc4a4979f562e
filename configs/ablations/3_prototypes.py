# Row 3: and prototypes (L_v).
_base_ = ['2_visual_prompts.py']

model = dict(
    head=dict(
        loss_proto=dict(  # none so far
            _delete_=True, type='PrototypeAlignmentLoss', metric='cosine'
        )
    )
)
