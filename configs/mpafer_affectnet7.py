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

# AffectNet's test set is not public: papers report on its validation set,
# which is `test` here. The best checkpoint is selected on a stratified tenth
# of the training images, fixed by a seed.
dataset = dict(
    type='AffectNet',
    data_root=data_root,
    num_classes=len(classes),
    val_fraction=0.1,
)
train_dataloader = dict(
    dataset=dict(**dataset, split='train', pipeline=_base_.train_pipeline)
)
val_dataloader = dict(
    dataset=dict(**dataset, split='val', pipeline=_base_.test_pipeline)
)
test_dataloader = dict(
    dataset=dict(**dataset, split='test', pipeline=_base_.test_pipeline)
)
