# What MPA-FER plus changes of the method. All of it is [ours]; what it brings
# is measured in docs/evidence.md. A config takes it from here by name.
plus_head = dict(
    # The class prototypes score too, and learn.
    proto_weight=1.0,
    # At weight 1 soft prompts become copies of the hard ones, with their
    # mistakes: of face-mini's, sadness and contempt are all but the same.
    loss_token=dict(loss_weight=0.1),
    loss_prompt=dict(loss_weight=0.1),
)
# Clipped together, the context's large gradient leaves the visual prompts a
# thirtieth of a step; AdamW steps by each value's own.
plus_optim_wrapper = dict(
    optimizer=dict(_delete_=True, type='AdamW', lr=0.002, weight_decay=0.0),
    paramwise_cfg=dict(
        custom_keys={
            'head.text.context': dict(lr_mult=10.0),
            'head.proto_offsets': dict(lr_mult=5.0),
        }
    ),
)
# Rare expressions more often, common ones in their own proportion.
plus_sampler = dict(type='ClassBalancedSampler', oversample_thr=0.1)
