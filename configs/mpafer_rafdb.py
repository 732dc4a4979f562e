# MPA-FER on RAF-DB, basic expressions. Published: 92.51 % (ViT-B/16).
_base_ = ['_base_/mpafer.py']

data_root = '{{$MPAFER_DATA:data}}/rafdb'  # the folder that holds basic/
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

# RAF-DB has no validation split: a stratified tenth of the training pictures,
# fixed by seed, chooses the best checkpoint, and the test set chooses nothing.
train_dataloader = dict(
    dataset=dict(
        type='RAFDB',
        data_root=data_root,
        split='train',
        val_fraction=0.1,
        pipeline=_base_.train_pipeline,
    )
)
val_dataloader = dict(
    dataset=dict(
        type='RAFDB',
        data_root=data_root,
        split='val',
        val_fraction=0.1,
        pipeline=_base_.test_pipeline,
    )
)
test_dataloader = dict(
    dataset=dict(
        type='RAFDB',
        data_root=data_root,
        split='test',
        pipeline=_base_.test_pipeline,
    )
)
