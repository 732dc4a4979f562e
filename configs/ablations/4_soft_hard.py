# Row 4: row 3 with soft-hard alignment (L_ta, L_pa). Row 5, with the local
# score, is the method.
_base_ = ['3_prototypes.py']

model = dict(
    head=dict(
        loss_token=dict(
            _delete_=True, type='SoftHardAlignmentLoss', temperature=0.07
        ),
        loss_prompt=dict(
            _delete_=True, type='SoftHardAlignmentLoss', mode='l1'
        ),
    )
)
