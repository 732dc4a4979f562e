# Row 3: row 2 with prototypes (L_v).
_base_ = ['2_visual_prompts.py']

model = dict(
    head=dict(
        loss_proto=dict(  # None in row 2
            _delete_=True, type='PrototypeAlignmentLoss', metric='cosine'
        )
    )
)
