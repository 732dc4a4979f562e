# Changes of MPA-FER plus to the method, all [ours]; results are in
# docs/evidence.md. Configs use these variables by name.
plus_head = dict(
    # Trainable class prototypes contribute to the score.
    proto_weight=1.0,
    # That of OpenAI's CLIP, whatever the tower's own: a smaller one, such as
    # 9 after a short pre-training, costs recall of the rare expressions.
    logit_scale=100.0,
)
# Clipped jointly with the large gradient of the context, the visual prompts
# make a thirtieth of a step; AdamW normalises each parameter by itself.
plus_optim_wrapper = dict(
    optimizer=dict(_delete_=True, type='AdamW', lr=0.002, weight_decay=0.0),
    paramwise_cfg=dict(
        custom_keys={
            'head.text.context': dict(lr_mult=10.0),
            'head.proto_offsets': dict(lr_mult=5.0),
        }
    ),
)
# Oversamples rare expressions, and keeps the proportions of common ones.
plus_sampler = dict(type='ClassBalancedSampler', oversample_thr=0.1)
