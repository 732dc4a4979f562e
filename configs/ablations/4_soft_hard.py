# Row 4: and soft-hard alignment (L_ta, L_pa). The local score is all that is
# missing: row 5 is the method.
_base_ = ['3_prototypes.py']

model = dict(
    head=dict(
        loss_token=dict(
            _delete_=True, type='SoftHardAlignmentLoss', temperature=0.07
        ),
        loss_prompt=dict(
            _delete_=True, type='SoftHardAlignmentLoss', temperature=0.07
        ),
    )
)
