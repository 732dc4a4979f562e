# MPA-FER on AffectNet, seven expressions. Published: 67.85 % (ViT-B/16).
_base_ = ['_base_/mpafer.py']

data_root = '{{$MPAFER_DATA:data}}/affectnet'  # either release
classes = [
    'neutral',
    'happiness',
    'sadness',
    'surprise',
    'fear',
    'disgust',
    'anger',
]
model = dict(head=dict(text=dict(classes=classes)))

# AffectNet's test set is not public: papers report on its validation part,
# which is `test` here. A stratified tenth of the training pictures, fixed by
# seed, chooses the best checkpoint.
train_dataloader = dict(
    dataset=dict(
        type='AffectNet',
        data_root=data_root,
        split='train',
        num_classes=len(classes),
        val_fraction=0.1,
        pipeline=_base_.train_pipeline,
    )
)
val_dataloader = dict(
    dataset=dict(
        type='AffectNet',
        data_root=data_root,
        split='val',
        num_classes=len(classes),
        val_fraction=0.1,
        pipeline=_base_.test_pipeline,
    )
)
test_dataloader = dict(
    dataset=dict(
        type='AffectNet',
        data_root=data_root,
        split='test',
        num_classes=len(classes),
        pipeline=_base_.test_pipeline,
    )
)
