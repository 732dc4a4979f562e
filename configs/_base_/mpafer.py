# MPA-FER: model, pipelines and schedule, with all numbers of the paper.
# [P] stated in the paper, [2] second-hand, [ours] left open by the paper.
# Paper: arXiv 2506.21017.
_base_ = ['default_runtime.py']

from mpafer_plugin.clip import image_size as image_size_of
from mpafer_plugin.clip import normalization
from mpafer_plugin.utils.cpu_count import loader_workers

# --- often changed -------------------------------------------------------
# Tower and weights, which environment variables set without editing a file:
# an open_clip name or the path of an architecture JSON; a tag or a local file.
arch = '{{$MPAFER_ARCH:ViT-B-16-quickgelu}}'  # [P] ViT-B/16 and ViT-L/14
clip_weights = '{{$MPAFER_CLIP:openai}}'
max_epochs = 120  # [P]
batch_size = 32  # [P]
num_workers = loader_workers()  # 2 to 8, by the CPUs; for each process

# --- sometimes changed ---------------------------------------------------
# 224 for B/16 and L/14; docs/weights.md has a config of another size.
image_size = image_size_of(arch)

model = dict(
    type='ImageClassifier',
    # As the weights need it: CLIP's, not ImageNet's [P]; of SigLIP 0.5.
    data_preprocessor=dict(normalization(arch, clip_weights), to_rgb=True),
    backbone=dict(
        type='PromptedCLIPViT',
        arch=arch,
        pretrained=clip_weights,
        num_prompts=8,  # [P]; 0 disables visual prompts
    ),
    head=dict(
        type='PromptAlignmentHead',
        text=dict(
            type='PromptedCLIPText',
            arch=arch,
            pretrained=clip_weights,
            num_context=10,  # [P]
            class_specific_context=False,  # [ours]
            granularity=3,  # [P] the best of three
        ),
        top_k=16,  # [P]
        local_weight=1.0,  # [2]; 0 disables the local score
        logit_scale='clip',  # [ours]
        loss_cls=dict(type='CrossEntropyLoss'),  # L_vt [P]
        # L_t = L_ta + L_pa, weight beta = 1 [P], temperature [ours], L_pa as
        # L1 distance [2]. `loss_token=None, loss_prompt=None` disables it.
        loss_token=dict(type='SoftHardAlignmentLoss', temperature=0.07),
        loss_prompt=dict(type='SoftHardAlignmentLoss', mode='l1'),
        # L_v, weight gamma = 1 [P], cosine rather than L1 [ours].
        # `loss_proto=None` disables it, and the prototypes.
        loss_proto=dict(type='PrototypeAlignmentLoss', metric='cosine'),
    ),
)

train_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(  # [P] random crop; scale [ours]
        type='RandomResizedCrop',
        scale=image_size,
        crop_ratio_range=(0.8, 1.0),
        interpolation='bicubic',
    ),
    dict(type='RandomFlip', prob=0.5, direction='horizontal'),  # [ours]
    dict(type='RandomErasing', erase_prob=0.25),  # [P]; probability [ours]
    dict(type='PackInputs'),
]
test_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(
        type='Resize',
        scale=(image_size, image_size),
        interpolation='bicubic',
    ),
    dict(type='PackInputs'),
]
tta_pipeline = [
    *test_pipeline[:-1],
    dict(
        type='TestTimeAug',
        transforms=[
            [dict(type='RandomFlip', prob=p) for p in (0.0, 1.0)],
            [dict(type='PackInputs')],
        ],
    ),
]

train_dataloader = dict(
    batch_size=batch_size,
    num_workers=num_workers,
    persistent_workers=True,
    worker_init_fn=dict(type='leave_signals_to_main'),
    sampler=dict(type='ResumableSampler', shuffle=True),
)
val_dataloader = dict(
    batch_size=64,
    num_workers=num_workers,
    persistent_workers=True,
    worker_init_fn=dict(type='leave_signals_to_main'),
    sampler=dict(type='DefaultSampler', shuffle=False),
)
test_dataloader = val_dataloader
val_evaluator = dict(type='FERMetric')
test_evaluator = val_evaluator

optim_wrapper = dict(
    optimizer=dict(
        type='SGD',  # [2]
        lr=0.032,  # [P]
        momentum=0.9,  # [ours]
        weight_decay=5e-4,  # [ours]
    ),
    clip_grad=dict(max_norm=1.0),  # [ours]
)
# The cosine ends with training, whatever `max_epochs` or `max_iters` is.
param_scheduler = [
    dict(  # one epoch of warm-up [ours]
        type='LinearLR',
        start_factor=0.01,
        end=1,
        convert_to_iter_based=True,
    ),
    dict(type='CosineAnnealingLR', by_epoch=False),  # [P]
]
train_cfg = dict(
    type='ResumableTrainLoop', max_epochs=max_epochs, val_interval=1
)
val_cfg = dict()
test_cfg = dict()
auto_scale_lr = dict(base_batch_size=32, enable=False)
