# Runtime settings, independent of the method.
default_scope = 'mmpretrain'
custom_imports = dict(imports=['mpafer_plugin'], allow_failed_imports=False)

default_hooks = dict(
    timer=dict(type='IterTimerHook'),
    logger=dict(type='LoggerHook', interval=50),
    param_scheduler=dict(type='ParamSchedulerHook'),
    # Small files with the trained parameters only, written atomically.
    checkpoint=dict(
        type='PromptCheckpointHook',
        interval=1,
        max_keep_ckpts=2,
        save_best='fer/accuracy',
        rule='greater',
    ),
    sampler_seed=dict(type='DistSamplerSeedHook'),
    visualization=dict(type='FERVisualizationHook', enable=False),
)
custom_hooks = [
    dict(type='DataReportHook'),
    dict(
        type='PrototypeHook',
        cache_dir='{{$MPAFER_CACHE:~/.cache/mpafer_plugin}}/prototypes',
    ),
    dict(type='FERReportHook'),
    dict(type='FiniteGuardHook'),
    dict(type='PreemptionHook'),
]

env_cfg = dict(
    cudnn_benchmark=False,
    mp_cfg=dict(mp_start_method='fork', opencv_num_threads=0),
    dist_cfg=dict(backend='nccl'),  # gloo is used without a GPU
)
# Averages logged losses over processes, and also runs on CPUs.
model_wrapper_cfg = dict(type='FERDistributedDataParallel')
vis_backends = [dict(type='LocalVisBackend')]
visualizer = dict(type='UniversalVisualizer', vis_backends=vis_backends)
tta_model = dict(type='AverageClsScoreTTA')

log_level = 'INFO'
load_from = None
resume = False
randomness = dict(seed=0)
